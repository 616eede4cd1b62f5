#include "proxy-under-test/cache/origin_pool.h"

#include <algorithm>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr auto idle_timeout = std::chrono::seconds(60);

/// Who is told whose request comes takes all that follows on the connection for that client's.
bool names_its_client(const backend& of) {
    return of.definition.proxy_header != 0 && !planted(bug::reuse_connection_of_another_client);
}

/// Whether bytes that belong to no answer keep a connection from being used again.
bool rubbish_matters() {
    return !planted(bug::reuse_broken_connection);
}
}  // namespace

origin_lease::origin_lease(configuration_ptr keeps, backend& of, connection_ptr over, bool again)
    : keeps_(std::move(keeps)), backend_(of), connection_(std::move(over)), reused_(again) {
    ++backend_.connections;
}

origin_lease::~origin_lease() {
    --backend_.connections;
    if (connection_) connection_->close();
}

void origin_lease::tell_of(transaction_log& log) const {
    const auto& ends = connection_->ends;
    log.tell(reused_ ? "BackendReuse" : "BackendOpen", "{} {} {} {} {} {} {}", connection_->descriptor(), backend_.name(), ends.remote_ip,
             ends.remote_port, ends.local_ip, ends.local_port, reused_ ? "reuse" : "connect");
}

awaitable<std::expected<lease_ptr, std::string>> origin_pool::lease(configuration_ptr of, backend& to, bool only_fresh,
                                                                    nanoseconds connect_timeout) {
    const auto most = planted(bug::ignore_max_connections) ? 0 : to.definition.max_connections;
    if (most > 0 && to.connections >= most) co_return std::unexpected("backend " + to.name() + ": busy");
    auto& idle_ones = shelves_[to.pool_key()];
    while (!only_fresh && !names_its_client(to) && !idle_ones.empty()) {
        auto taken = std::move(idle_ones.back().connection);
        if (idle_ones.back().watched) taken->unwatch();
        idle_ones.pop_back();
        if (rubbish_matters() && !taken->quiet()) {  // its origin has just spoken or closed, and spoken() has not been called yet
            taken->close();
            continue;
        }
        co_return std::make_unique<origin_lease>(std::move(of), to, std::move(taken), true);
    }
    auto made = std::make_unique<origin_lease>(std::move(of), to, nullptr, false);  // counted while it connects
    auto opened = co_await connection::to(network_, to.address, to.port, connect_timeout);
    if (!opened) co_return std::unexpected("backend " + to.name() + ": " + opened.error());
    made->connection_ = std::move(*opened);
    co_return lease_ptr(std::move(made));
}

bool origin_pool::give_back(lease_ptr lease, bool clean) {
    if ((!clean && rubbish_matters()) || names_its_client(lease->origin())) return false;
    auto returned = std::move(lease->connection_);
    const auto* which = returned.get();
    auto& on = shelves_[lease->origin().pool_key()];
    auto expiry = std::make_unique<timer>(network_.time, network_.time.now() + idle_timeout, [this, &on, which] { drop(on, which); });
    on.push_back({std::move(returned), std::move(expiry)});
    some_unwatched_ = true;
    return true;
}

bool origin_pool::watch_idle() {
    if (!std::exchange(some_unwatched_, false)) return false;
    for (auto& [key, on] : shelves_) {
        // Who came since the last time stands at the end.
        for (auto each = on.rbegin(); each != on.rend() && !std::exchange(each->watched, true); ++each)
            each->connection->watch([this, &on, which = each->connection.get()] { spoken(on, which); });
    }
    return true;
}

/// Whatever an origin says unasked, it cannot be the answer to the next request.
void origin_pool::spoken(shelf& on, const connection* which) {
    if (which->peer_closed() || rubbish_matters()) drop(on, which);
}

void origin_pool::drop(shelf& on, const connection* which) {
    const auto found = std::ranges::find(on, which, [](const idle& i) { return i.connection.get(); });
    if (found == on.end()) return;
    const auto dropped = std::move(found->connection);  // its timer may be what called us: erased last
    dropped->close();
    on.erase(found);
}

}  // namespace badorigin::cache
