// A TCP connection, of a client or to an origin, whose every wait is bounded by the cache's clock.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/exchange.h"

namespace badorigin::cache {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

class connection;
using connection_ptr = std::shared_ptr<connection>;

/// All connections and what moved on them.
struct network {
    boost::asio::io_context& io;
    clock& time;
    std::uint64_t activity = 0;
    std::set<const connection*> open{};

    /// Bytes that the peers' kernels have not acknowledged (SIOCOUTQ), over all open connections.
    std::uint64_t unacknowledged() const;
};

enum class io { ok, eof, timed_out, interrupted, failed };

class connection : public std::enable_shared_from_this<connection> {
public:
    connection(network& of, tcp::socket socket);
    ~connection();
    static awaitable<std::expected<connection_ptr, std::string>> to(network& of, const std::string& address, std::uint16_t port,
                                                                    nanoseconds timeout);

    /// Appends what comes to `input`.
    awaitable<io> read(nanoseconds timeout);
    /// Writes `pending` and removes from it what was written, also when interrupted halfway. `timeout` bounds the pause in which the peer
    /// takes nothing, not the whole.
    awaitable<io> write(std::string& pending, nanoseconds timeout);
    awaitable<io> write(std::string_view head, std::string_view rest, nanoseconds timeout);

    /// Calls back once when there is something to read or the peer closed. One watch at a time.
    void watch(std::function<void()> readable);
    void unwatch();
    /// Ends a pending read or write with io::interrupted.
    void interrupt();

    /// Nothing but the end is left to be read.
    bool peer_closed() const;
    /// Nothing is there to be read, not even an end.
    bool quiet() const;
    void finish_sending();
    /// FIN first, then what still comes is read for a while, so that no RST destroys what was sent last.
    awaitable<void> linger();
    void close();
    bool is_open() const { return socket_.is_open(); }
    int descriptor() { return socket_.native_handle(); }
    std::size_t unacknowledged() const;

    std::string input;       ///< received, not used yet
    std::uint64_t sent = 0;  ///< bytes, so far
    end_points ends;
    session_limits limits;

private:
    struct deadline;
    std::size_t write_at_once(std::string_view head, std::string_view rest, boost::system::error_code& ec);
    void wrote(std::size_t bytes);
    void acknowledge_at_once();
    io outcome(const boost::system::error_code& ec, bool timed_out) const;

    network& network_;
    tcp::socket socket_;
    std::uint64_t watching_ = 0;
    std::size_t room_;  ///< for the next read
};

}  // namespace badorigin::cache
