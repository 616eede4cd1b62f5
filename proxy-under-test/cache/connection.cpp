#include "proxy-under-test/cache/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

namespace badorigin::cache {

namespace asio = boost::asio;
namespace {
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t first_read = 4 * 1024, least_read = 2 * 1024, most_read = 64 * 1024;  ///< what a string grows by is zeroed first
constexpr auto linger_time = std::chrono::seconds(1);
}  // namespace

/// Cancels what is pending on a socket when the time is over.
struct connection::deadline {
    deadline(network& of, tcp::socket& socket, nanoseconds timeout)
        : timer_(of.time, of.time.now() + timeout, [this, &socket] {
              over = true;
              boost::system::error_code ignored;
              socket.cancel(ignored);
          }) {}
    bool over = false;

private:
    timer timer_;
};

std::uint64_t network::unacknowledged() const {
    std::uint64_t sum = 0;
    for (const auto* each : open) sum += each->unacknowledged();
    return sum;
}

connection::connection(network& of, tcp::socket socket) : network_(of), socket_(std::move(socket)), room_(first_read) {
    boost::system::error_code ec;
    socket_.non_blocking(true, ec);
    socket_.set_option(tcp::no_delay(true), ec);
    acknowledge_at_once();
    if (const auto remote = socket_.remote_endpoint(ec); !ec) {
        ends.client_ip = remote.address().to_string();
        ends.client_port = remote.port();
    }
    if (const auto local = socket_.local_endpoint(ec); !ec) {
        ends.server_ip = local.address().to_string();
        ends.server_port = local.port();
    }
    ends.remote_ip = ends.client_ip;
    ends.remote_port = ends.client_port;
    ends.local_ip = ends.server_ip;
    ends.local_port = ends.server_port;
    network_.open.insert(this);
    ++network_.activity;
}

connection::~connection() {
    close();
}

awaitable<std::expected<connection_ptr, std::string>> connection::to(network& of, const std::string& address, std::uint16_t port,
                                                                     nanoseconds timeout) {
    boost::system::error_code ec;
    const auto ip = asio::ip::make_address(address, ec);
    if (ec) co_return std::unexpected(ec.message());
    tcp::socket socket(of.io);
    deadline limit(of, socket, timeout);
    const auto [error] = co_await socket.async_connect(tcp::endpoint(ip, port), as_result);
    if (error && limit.over) co_return std::unexpected("connect timeout");
    if (error) co_return std::unexpected(error.message());
    co_return std::make_shared<connection>(of, std::move(socket));
}

awaitable<io> connection::read(nanoseconds timeout) {
    const auto before = input.size();
    deadline limit(network_, socket_, timeout);
    input.resize(before + room_);
    const auto [ec, got] = co_await socket_.async_read_some(asio::buffer(input.data() + before, room_), as_result);
    input.resize(before + got);
    room_ = std::clamp(2 * got, least_read, most_read);
    acknowledge_at_once();
    if (!ec || ec == asio::error::eof) ++network_.activity;
    co_return outcome(ec, limit.over);
}

/// What is small has room in the kernel as a rule, and goes without a turn of the event loop. What is large has to wait for its turn: a
/// peer that takes it quickly would else keep all others waiting.
std::size_t connection::write_at_once(std::string_view head, std::string_view rest, boost::system::error_code& ec) {
    constexpr std::size_t small = 16 * 1024;
    if (head.size() + rest.size() > small) return 0;
    const auto put = socket_.write_some(std::array{asio::buffer(head), asio::buffer(rest)}, ec);
    if (ec == asio::error::would_block) ec = {};
    wrote(put);
    return put;
}

void connection::wrote(std::size_t bytes) {
    sent += bytes;
    if (bytes > 0) ++network_.activity;
}

awaitable<io> connection::write(std::string& pending, nanoseconds timeout) {
    boost::system::error_code ec;
    auto written = write_at_once(pending, {}, ec);
    auto result = outcome(ec, false);
    while (written < pending.size() && result == io::ok) {
        deadline limit(network_, socket_, timeout);
        const auto [error, put] =
            co_await socket_.async_write_some(asio::buffer(pending.data() + written, pending.size() - written), as_result);
        written += put;
        wrote(put);
        result = outcome(error, limit.over);
    }
    pending.erase(0, written);
    co_return result;
}

awaitable<io> connection::write(std::string_view head, std::string_view rest, nanoseconds timeout) {
    const auto remove = [&](std::size_t put) {
        const auto of_head = std::min(put, head.size());
        head.remove_prefix(of_head);
        rest.remove_prefix(put - of_head);
    };
    boost::system::error_code ec;
    remove(write_at_once(head, rest, ec));
    auto result = outcome(ec, false);
    while (!(head.empty() && rest.empty()) && result == io::ok) {
        deadline limit(network_, socket_, timeout);
        const auto [error, put] = co_await socket_.async_write_some(std::array{asio::buffer(head), asio::buffer(rest)}, as_result);
        wrote(put);
        remove(put);
        result = outcome(error, limit.over);
    }
    co_return result;
}

void connection::watch(std::function<void()> readable) {
    const auto ticket = ++watching_;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this(), ticket, call = std::move(readable)](boost::system::error_code ec) {
                           if (!ec && ticket == self->watching_) call();
                       });
}

void connection::unwatch() {
    ++watching_;
    interrupt();
}

void connection::interrupt() {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

bool connection::peer_closed() const {
    char next = 0;
    auto& socket = const_cast<tcp::socket&>(socket_);
    return ::recv(socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

bool connection::quiet() const {
    char next = 0;
    auto& socket = const_cast<tcp::socket&>(socket_);
    return ::recv(socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void connection::finish_sending() {
    boost::system::error_code ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    if (!ec) ++network_.activity;
}

awaitable<void> connection::linger() {
    finish_sending();
    const auto until = network_.time.now() + linger_time;
    while (is_open() && co_await read(until - network_.time.now()) == io::ok) input.clear();
    close();
}

void connection::close() {
    if (!socket_.is_open()) return;
    ++watching_;
    boost::system::error_code ignored;
    socket_.close(ignored);
    network_.open.erase(this);
    ++network_.activity;
}

std::size_t connection::unacknowledged() const {
    int queued = 0;
    auto& socket = const_cast<tcp::socket&>(socket_);
    return ::ioctl(socket.native_handle(), SIOCOUTQ, &queued) == 0 && queued > 0 ? static_cast<std::size_t>(queued) : 0;
}

/// In virtual time, where it is waited for that the peer's kernel has all (docs/control-protocol.md).
void connection::acknowledge_at_once() {
    if (!network_.time.is_virtual()) return;
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

io connection::outcome(const boost::system::error_code& ec, bool timed_out) const {
    if (!ec) return io::ok;
    if (ec == asio::error::eof) return io::eof;
    if (ec == asio::error::operation_aborted) return timed_out ? io::timed_out : io::interrupted;
    return io::failed;
}

}  // namespace badorigin::cache
