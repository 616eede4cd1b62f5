// A client's connection: one request after the other, as they come (RFC 9112 9.3), each read strictly.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/core.h>

#include "proxy-under-test/cache/client_request.h"
#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/proxy_header.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace asio = boost::asio;

namespace {
constexpr auto request_timeout = std::chrono::seconds(10);  ///< from the request's first byte on (R2.12)

awaitable<void> refuse(engine& in, connection& client, int status, const std::string& why) {
    const auto body = why + "\n";
    const auto head =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", status,
                    standard_reason(status), http_date(in.now()), body.size());
    co_await client.write(head, body, request_timeout);
    co_await client.linger();
}

using place_ptr = std::unique_ptr<client_list::place>;

/// What ended the connection, in the words of Varnish's SessClose; null: there is a request to serve. `kept`: there was one before.
awaitable<const char*> read_request(engine& in, connection& client, message_reader& reader, transaction_log& log, client_list::place& place,
                                    bool kept) {
    const auto idle_until = in.now() + client.limits.idle;
    std::optional<nanoseconds> first_byte;
    if (planted(bug::request_timeout_from_idle)) first_byte = in.now();
    for (;;) {
        if (!client.input.empty()) {
            if (auto put = reader.put(client.input, true); !put) {
                log.add("Error", put.error());
                co_await refuse(in, client, refusal_status(put.error()), put.error());
                co_return "RX_BAD";
            }
            if (!first_byte && !reader.untouched()) first_byte = in.now();  // empty lines before it are none of it
        }
        if (reader.head_complete()) co_return nullptr;
        const auto until = first_byte ? *first_byte + request_timeout : idle_until;
        if (kept && !first_byte) place.rest();
        const auto result = co_await client.read(until - in.now());
        if (result == io::interrupted && client.quiet()) {
            place.gives_way();
            co_return "OVERLOAD";
        }
        place.work();
        if (result == io::interrupted) continue;  // asked too late: its next request is there
        if (result != io::ok) co_return result != io::timed_out ? "REM_CLOSE" : first_byte ? "RX_TIMEOUT" : "RX_CLOSE_IDLE";
    }
}

/// False: there is no such header; the connection is closed without a word, since who speaks there is not known.
awaitable<bool> read_proxy_header(engine& in, connection& client) {
    const auto until = in.now() + client.limits.idle;
    for (;;) {
        const auto header = take_proxy_header(client.input);
        if (!header) co_return planted(bug::accept_malformed_proxy_header);
        if (header->names_ends && !planted(bug::ignore_proxy_header)) {
            client.ends.client_ip = header->client_ip;
            client.ends.client_port = header->client_port;
            client.ends.server_ip = header->server_ip;
            client.ends.server_port = header->server_port;
        }
        if (header->complete) co_return true;
        const auto got = co_await client.read(until - in.now());
        if (got != io::ok) co_return false;
    }
}

/// Until the connection is over: what ended it.
awaitable<const char*> serve_requests(engine& in, connection_ptr client, transaction_log& log, client_list::place& place) {
    for (bool kept = false;; kept = true) {
        message_reader reader(side::request);
        const auto* over = co_await read_request(in, *client, reader, log, place, kept);
        if (over) co_return over;
        const auto& head = reader.request();
        if (const auto* expected = head.fields.find("Expect"); expected && !same_name(*expected, "100-continue")) {
            co_await refuse(in, *client, 417, "The expectation is not known");
            co_return "RX_BAD";
        }
        const bool crowded = in.clients.crowded(), may_go_on = persists(head.version, head.fields) && !crowded;
        client_request request(in, client, reader, may_go_on);
        log.tell("Link", "req {} rxreq", request.number());
        const auto ended = co_await request.run();
        if (ended == client_request::end::close) co_await client->linger();
        if (ended != client_request::end::keep) co_return may_go_on ? "RESP_CLOSE" : crowded ? "OVERLOAD" : "REQ_CLOSE";
    }
}

awaitable<void> serve(engine& in, connection_ptr client, place_ptr place, bool proxied) {
    client->ends.session_id = in.next_xid();
    if (proxied) {
        const bool known = co_await read_proxy_header(in, *client);
        if (!known) {
            client->close();
            co_return;
        }
    }
    const auto& ends = client->ends;
    transaction_log log(in.log, in.time, ends.session_id, "sess", 0, "HTTP/1");
    log.tell("SessOpen", "{} {} a0 {} {}", ends.remote_ip, ends.remote_port, ends.local_ip, ends.local_port);
    if (proxied) log.tell("Proxy", "{} {} {} {}", ends.client_ip, ends.client_port, ends.server_ip, ends.server_port);
    const auto opened = in.now();
    const auto why = co_await serve_requests(in, client, log, *place);
    log.tell("SessClose", "{} {:.3f}", why, seconds_of(in.now() - opened));
    client->close();
}

/// Nobody is accepted before there is room: until then the kernel keeps him.
awaitable<void> accept_all(engine& in, tcp::acceptor acceptor, bool proxied) {
    for (;;) {
        const auto [gone] = co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::as_tuple(asio::use_awaitable));
        if (gone) co_return;
        co_await in.clients.room();
        boost::system::error_code ec;
        tcp::socket socket(in.io);
        acceptor.accept(socket, ec);
        if (!ec) {
            const auto client = std::make_shared<connection>(in.net, std::move(socket));
            asio::co_spawn(in.io, serve(in, client, std::make_unique<client_list::place>(in.clients, *client), proxied), unattended);
        } else if (ec != asio::error::would_block && ec != asio::error::connection_aborted) {
            co_await in.clients.pause();  // out of descriptors, as a rule: at once it would fail again, and again
        }
    }
}
}  // namespace

std::uint16_t listen(engine& in, const std::string& host, std::uint16_t port, bool proxied) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(host, ec);
    if (ec) throw std::runtime_error(fmt::format("\"{}\" is no IP address to listen on", host));
    tcp::acceptor acceptor(in.io);
    const tcp::endpoint at(address, port);
    acceptor.open(at.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(at, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) throw std::runtime_error(fmt::format("Cannot listen on {}:{}: {}", host, port, ec.message()));
    acceptor.non_blocking(true);
    const auto bound = acceptor.local_endpoint().port();
    asio::co_spawn(in.io, accept_all(in, std::move(acceptor), proxied), unattended);
    return bound;
}

}  // namespace badorigin::cache
