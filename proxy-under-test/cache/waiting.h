// How a coroutine waits for something that is not a socket: a timer of the cache's clock, or the end of somebody else's fetch.
#pragma once

#include <memory>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy-under-test/cache/clock.h"

namespace badorigin::cache {

/// `enrol` gets a function that wakes the caller; it may be called once, at any time later, from the event loop.
template <class Enrol>
boost::asio::awaitable<void> until_woken(Enrol enrol) {
    namespace asio = boost::asio;
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [](auto handler, Enrol tell) {
            auto held = std::make_shared<decltype(handler)>(std::move(handler));
            tell([held] {
                auto executor = asio::get_associated_executor(*held);
                asio::post(executor, std::move(*held));
            });
        },
        asio::use_awaitable, std::move(enrol));
}

inline boost::asio::awaitable<void> sleep_until(clock& time, nanoseconds when) {
    co_await until_woken([&time, when](auto wake) { time.arm(when, wake); });
}

}  // namespace badorigin::cache
