// What everything in the cache shares: one event loop, one clock, one store.
#pragma once

#include <exception>
#include <map>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "proxy-under-test/cache/clients.h"
#include "proxy-under-test/cache/configuration.h"
#include "proxy-under-test/cache/connection.h"
#include "proxy-under-test/cache/origin_pool.h"
#include "proxy-under-test/cache/record_log.h"
#include "proxy-under-test/cache/store.h"
#include "proxy-under-test/cache/vcl_context.h"

namespace badorigin::cache {

/// For coroutines that nobody waits for: what they throw ends the program with its message. In silence those who wait for what they do
/// would wait for ever.
inline constexpr auto unattended = [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
};

struct limits {
    std::uint64_t response = std::uint64_t(64) * 1024 * 1024;  ///< content of one, as long as it is read as a whole
    int refreshes = 1000;                                      ///< in the background, at once
};

struct engine {
    engine(clock::mode how, nanoseconds start, const std::string& log_path) : time(how, start), log(io, log_path) {}

    boost::asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};  ///< without locks: there is one thread
    clock time;
    record_log log;
    ban_list bans;
    store objects{bans};
    policy_environment environment{time, bans, objects};
    network net{io, time};
    client_list clients{time};
    origin_pool origins{net};
    limits most;
    bool by_rfc = true;        ///< false: --builtin varnish
    bool tell_status = false;  ///< --cache-status

    std::map<std::string, configuration_ptr> configurations;
    configuration_ptr active;
    std::uint64_t last_xid = 0, fetches = 0;
    std::uint64_t not_refreshed = 0;  ///< stale hits that found too many refreshes under way
    int fetching = 0, refreshing = 0;
    bool stopping = false;

    vcl::builtin builtin() const { return by_rfc ? vcl::builtin::rfc : vcl::builtin::varnish; }
    std::uint64_t next_xid() { return ++last_xid; }
    nanoseconds now() const { return time.now(); }

    /// Makes it the one for new requests; its probes start, those of the one before end after a while (R2.16).
    void use(const configuration_ptr& which);
    void discard(const configuration_ptr& which);
    void stop();
    /// Until stop(): runs what is ready, then timers that are due. `when_quiescent` is called when nothing at all is ready and says
    /// whether it made something happen; if not, the loop sleeps until something does.
    void run(const std::function<bool()>& when_quiescent);

private:
    bool work();
};

/// Probes its backends until it is no longer warm (probes.cpp).
void start_probes(engine& in, const configuration_ptr& of);
/// Accepts and serves clients (session.cpp); `proxied`: each connection begins with a PROXY header. Returns the port. Throws
/// std::runtime_error with a sentence.
std::uint16_t listen(engine& in, const std::string& host, std::uint16_t port, bool proxied);

}  // namespace badorigin::cache
