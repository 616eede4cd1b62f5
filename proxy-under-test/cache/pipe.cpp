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
}  // namespace

awaitable<void> tunnel(engine& in, connection_ptr client, connection_ptr origin) {
    auto shared = std::make_shared<tunnel_state>();
    co_await until_woken([&](auto wake) {
        shared->wake = wake;
        boost::asio::co_spawn(in.io, copy(in, client, origin, shared), unattended);
        boost::asio::co_spawn(in.io, copy(in, origin, client, shared), unattended);
    });
    origin->close();
}

}  // namespace badorigin::cache
