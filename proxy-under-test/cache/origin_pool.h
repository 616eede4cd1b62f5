// Connections to origins: idle ones are reused, the most recently used first, and dropped as soon as their origin closes or speaks.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "proxy-under-test/cache/backends.h"
#include "proxy-under-test/cache/configuration.h"
#include "proxy-under-test/cache/connection.h"

namespace badorigin::cache {

/// A connection while one fetch has it, counted against its backend's max_connections.
class origin_lease {
public:
    origin_lease(configuration_ptr keeps, backend& of, connection_ptr over, bool again);
    ~origin_lease();
    origin_lease(const origin_lease&) = delete;
    origin_lease& operator=(const origin_lease&) = delete;
    connection& operator*() const { return *connection_; }
    connection* operator->() const { return connection_.get(); }
    backend& origin() const { return backend_; }
    bool reused() const { return reused_; }
    /// BackendOpen or BackendReuse "DESCRIPTOR NAME ADDRESS PORT LOCAL_ADDRESS LOCAL_PORT connect|reuse".
    void tell_of(transaction_log& log) const;

private:
    friend class origin_pool;
    configuration_ptr keeps_;
    backend& backend_;
    connection_ptr connection_;
    bool reused_;
};
using lease_ptr = std::unique_ptr<origin_lease>;

class origin_pool {
public:
    explicit origin_pool(network& of) : network_(of) {}
    awaitable<std::expected<lease_ptr, std::string>> lease(configuration_ptr of, backend& to, bool only_fresh, nanoseconds connect_timeout);
    /// For the next fetch, if it is `clean`: the message was whole and nothing is behind it (RFC 9112 9.3). Else it is closed.
    /// Says whether it was kept.
    bool give_back(lease_ptr lease, bool clean);
    /// To be called before the event loop sleeps: from then on idle connections end with their origin's. Those that are taken again
    /// before that are looked at when they are taken, which is all that they need.
    /// Says whether any was not watched.
    bool watch_idle();

private:
    struct idle {
        connection_ptr connection;
        std::unique_ptr<timer> expiry;
        bool watched = false;
    };
    using shelf = std::list<idle>;
    void spoken(shelf& on, const connection* which);
    void drop(shelf& on, const connection* which);

    network& network_;
    std::map<std::string, shelf> shelves_;  ///< by address and port; none is ever taken away
    bool some_unwatched_ = false;
};

}  // namespace badorigin::cache
