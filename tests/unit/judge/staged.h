// Evidence made by hand: connections, exchanges and markers as a capture of a staged run would show them, without packets.
// Messages are written as wire bytes and read by the reader, so that framing and anomalies are real.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/judge.h"
#include "http/reader.h"

namespace badorigin::judge::test {

using namespace std::chrono_literals;
using capture::nanoseconds;

using connection_handle = std::shared_ptr<capture::connection>;
using exchange_handle = std::shared_ptr<capture::exchange>;

/// How a message ends on the wire: by its framing (the connection goes on), or with its connection.
enum class ending { framed, fin, reset };

class staged {
public:
    staged();

    capture::evidence evidence;
    scenario::scenario scenario;

    capture::frame_ref frame();  ///< the next one
    void at(nanoseconds clock);  ///< the clock jumps there
    void note(const std::string& text);
    void vitals(const std::string& step, nanoseconds monotonic, nanoseconds cpu, std::uint32_t descriptors = 20,
                std::uint64_t resident = 100 << 20);

    /// The run is in real time, `lasts` so long, and the machine left the proxy no core for `starved` of it.
    void starve(nanoseconds lasts, nanoseconds starved);

    connection_handle client_connection();
    connection_handle origin_connection(const std::string& name = "app");
    /// The server's side (the proxy on the client leg, the origin on its own) or the client's side ends it.
    void server_closes(const connection_handle& c);
    void client_closes(const connection_handle& c);

    /// A step's request with a token, on a connection of its own or the given one.
    exchange_handle step(const std::string& name, const std::string& method, const std::string& target, const std::string& fields = {},
                         const std::string& body = {}, connection_handle on = {});
    /// A step that sends these bytes, without a token.
    exchange_handle raw_step(const std::string& name, const std::string& bytes, ending end = ending::framed, connection_handle on = {});
    /// The proxy's request on behalf of a client's: same method, target, body and token.
    exchange_handle fetch(const exchange_handle& client, const std::string& fields = {}, connection_handle on = {});
    /// Any request on a connection, as bytes; `token` empty: nobody's.
    exchange_handle request(const connection_handle& on, const std::string& bytes, ending end = ending::framed);

    /// A whole response with Content-Length; on the origin leg with a serial.
    void answer(const exchange_handle& e, int status, const std::string& body = {}, const std::string& fields = {});
    void answer_raw(const exchange_handle& e, const std::string& bytes, ending end = ending::framed);
    /// The client gets what an origin answered, with its serial; Age is added where given.
    void deliver(const exchange_handle& client, const exchange_handle& origin, std::optional<int> age = {}, const std::string& fields = {});
    /// step + fetch + answer + deliver; returns the origin's exchange.
    exchange_handle fetched(const std::string& name, const std::string& target, const std::string& body = "content",
                            const std::string& fields = {});

    /// A step of the scenario whose expectation is judged.
    scenario::expectation& expect(const std::string& name);
    scenario::expectation& premise(const std::string& name);

    /// All of it, as the reader of a bundle would give it.
    capture::evidence whole();
    judge::verdict judged();
    /// The worst outcome among the findings of one claim; error where there is none.
    outcome outcome_of(const std::string& claim);
    std::string messages_of(const std::string& claim);

private:
    scenario::client_act& act(const std::string& name);
    exchange_handle made(const connection_handle& on);
    capture::seen_message seen(const std::string& bytes, http::direction side, const std::string& method, ending end);
    void marker(enum capture::marker::kind kind, const std::string& text);

    std::vector<connection_handle> connections_;
    std::vector<exchange_handle> exchanges_;
    capture::frame_number frames_ = 0;
    nanoseconds clock_{0};
    int tokens_ = 0, serials_ = 0;
    std::uint16_t ports_ = 40000;
};

/// A page fetched at 0 s with a ttl of 30 s, and at 35 s a stale hit on it (step "hit", Age 35).
staged stale_hit();

}  // namespace badorigin::judge::test
