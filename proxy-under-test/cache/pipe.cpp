// return (pipe): the connection is given away, byte by byte, until both ends are done.
#include <boost/asio/co_spawn.hpp>

#include "proxy-under-test/cache/client_request.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr auto idle_timeout = std::chrono::seconds(60);

struct tunnel_state {
    int directions = 2;
    nanoseconds last_moved{0};
    std::function<void()> wake;
};
using tunnel_ptr = std::shared_ptr<tunnel_state>;

/// One direction. The end of what `from` sends is passed on and leaves the other direction open; anything worse ends both.
awaitable<void> copy(engine& in, connection_ptr from, connection_ptr to, tunnel_ptr shared) {
    shared->last_moved = in.now();
    for (;;) {
        if (!from->input.empty()) {
            shared->last_moved = in.now();
            auto sent = io::interrupted;  // also by the other direction, whose deadline ends all that waits on its socket
            while (sent == io::interrupted) sent = co_await to->write(from->input, idle_timeout);
            if (sent != io::ok) {
                from->close();
                break;
            }
        }
        const auto result = co_await from->read(shared->last_moved + idle_timeout - in.now());
        if (result == io::ok) continue;
        if (result == io::timed_out && in.now() < shared->last_moved + idle_timeout) continue;  // the other direction moved
        if (result == io::eof) {
            to->finish_sending();
        } else {
            from->close();
            to->close();
        }
        break;
    }
    if (--shared->directions == 0) shared->wake();
}

/// Both ways, until both ends are done.
awaitable<void> tunnel(engine& in, connection_ptr client, connection_ptr origin) {
    auto shared = std::make_shared<tunnel_state>();
    co_await until_woken([&](auto wake) {
        shared->wake = wake;
        boost::asio::co_spawn(in.io, copy(in, client, origin, shared), unattended);
        boost::asio::co_spawn(in.io, copy(in, origin, client, shared), unattended);
    });
    origin->close();
}
}  // namespace

awaitable<client_request::state> client_request::pipe() {
    auto& x = exchange_;
    if (body_.was_read()) co_return answer(503, "Request body was read already");
    ended_ = end::close_at_once;
    auto exchange = origin_request(true, "pipe");
    exchange.request.fields.set("Connection", "close");
    exchange.log->stamp("Start");
    exchange.log->add_head("Bereq", exchange.request);
    exchange.told = true;
    x.log->tell("Link", "bereq {} pipe", exchange.xid);
    const auto decided = policy(vcl::subroutine::pipe, &exchange);
    if (decided.what != vcl::action::pipe) {
        ended_ = end::keep;
        co_return decide(decided, state::failed);
    }
    const auto wanted = exchange.backend_hint.empty() ? configuration_->backends.default_name() : exchange.backend_hint;
    const auto chosen = configuration_->backends.resolve(wanted, x.key, engine_.now());
    if (!chosen) co_return answer(503, "Service Unavailable");
    const auto limit = exchange.connect_timeout.value_or(std::chrono::milliseconds(3500));
    auto leased = co_await engine_.origins.lease(configuration_, *chosen->to, true, limit);
    if (!leased) {
        x.log->tell("FetchError", "no backend connection: {}", leased.error());
        co_return answer(503, "Service Unavailable");
    }
    const auto lease = std::move(*leased);
    lease->tell_of(*exchange.log);
    const auto before = exchange.request.fields;
    if (!exchange.request.fields.has("Host")) exchange.request.fields.set("Host", chosen->to->host());
    exchange.log->add_changes("Bereq", before, exchange.request.fields);
    auto head = chosen->to->greeting(x.ends.as_header()) + to_wire(exchange.request);
    if (co_await (*lease)->write(head, client_->limits.idle_send) != io::ok) co_return state::done;
    exchange.log->stamp("Bereq");
    x.log->stamp("Pipe");
    // Expect does not go on, so the origin will not say it.
    if (body_.awaits_permission()) co_await client_->write("HTTP/1.1 100 Continue\r\n\r\n", {}, client_->limits.idle_send);
    co_await tunnel(engine_, client_, (*lease)->shared_from_this());
    x.log->stamp("PipeSess");
    co_return state::done;
}

}  // namespace badorigin::cache
