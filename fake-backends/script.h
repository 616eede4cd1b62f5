// What scripted peers are told to do: pure values, no sockets. Times are already resolved (nanoseconds of the harness's clock).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace badorigin::peers {

using std::chrono::nanoseconds;

/// Bytes of a body: literal, or generated from size and seed (printable, the same everywhere; see generated_bytes).
struct content {
    enum class kind : std::uint8_t { none, literal, generated };
    content::kind kind = kind::none;
    std::string literal;
    std::uint64_t size = 0, seed = 0;
    bool chunked = false;  ///< send with chunked coding instead of Content-Length
    std::string bytes() const;
    friend bool operator==(const content&, const content&) = default;
};
/// `size` printable bytes that depend on size and seed alone; a prefix of a longer body of the same seed.
std::string generated_bytes(std::uint64_t size, std::uint64_t seed);

/// Field lines to add, in order; a name given here replaces the one that the engine would add (Host, Content-Length, Date, …).
using field_lines = std::vector<std::pair<std::string, std::string>>;

/// A fault of the catalogue (faults.h) with its arguments; unset arguments take the catalogue's defaults.
struct fault {
    std::string id{};                      ///< "close-in-body"
    std::optional<std::uint64_t> after{};  ///< bytes of the part where it strikes (header or body)
    std::optional<nanoseconds> lasts{};    ///< `for:` how long a stall lasts; absent: until the run ends
    std::optional<nanoseconds> every{};    ///< pause between the pieces of a drip
    std::optional<std::uint64_t> size{};   ///< bytes too many, a piece's size, …
    std::optional<std::string> text{};     ///< raw text that the fault puts on the wire
    friend bool operator==(const fault&, const fault&) = default;
};

/// What an origin knows of a request once its header section has arrived.
struct request_facts {
    std::string method, target, version = "1.1";
    field_lines fields;
    bool body_announced = false;
    bool conditional() const;
};

/// When a reply of a list may be used.
enum class condition : std::uint8_t { always, fresh_connection, reused_connection, conditional_request, unconditional_request };

struct reply {
    condition when = condition::always;
    int status = 200;
    std::string reason;  ///< empty: the registered phrase
    std::string version = "1.1";
    field_lines fields;  ///< a value may hold `{date}`, `{date + 60s}`, `{date - 2h}`: counted from when the response is made
    content body;
    std::vector<int> interim;  ///< 1xx statuses sent first
    nanoseconds delay{0};      ///< between the whole request and the first byte of the response
    bool close = false;        ///< Connection: close, and a clean close behind the response
    bool validates = false;    ///< answers a conditional request whose validator matches `ETag` / `Last-Modified` in `fields` with 304
    std::optional<peers::fault> fault;
    std::optional<std::string>
        raw;  ///< these bytes instead of a response of ours (no serial then), then the connection is closed unless `keep_open`
    bool keep_open = false;
    int repeat = 1;                    ///< how often it may be used; -1: forever
    std::optional<nanoseconds> until;  ///< usable only before this time of the run's clock (storms "for a time")
    friend bool operator==(const reply&, const reply&) = default;
};

/// "POST /orders" or "* /x/*": method (or *) and target, where a trailing * stands for any rest.
struct route {
    std::string method = "*", target;
    std::vector<reply> replies;  ///< the first that is not used up and whose condition holds is used
    friend bool operator==(const route&, const route&) = default;
};

enum class listening : std::uint8_t {
    accept,        ///< normal
    refuse,        ///< bound, not listening: RST
    ignore,        ///< SYN never answered
    never_read,    ///< accepts, reads nothing, answers nothing
    close_at_once  ///< accepts and closes
};

struct origin_script {
    std::string name;
    std::vector<route> routes;  ///< the first that matches
    listening start = listening::accept;
    friend bool operator==(const origin_script&, const origin_script&) = default;
};

/// How a client sends less, slower, or otherwise than a good one.
struct sending {
    std::optional<std::uint64_t> stop_after;  ///< bytes of the body (0: header only), then `then`
    enum class ending : std::uint8_t { wait, close, reset, half_close };
    ending then = ending::wait;
    std::optional<std::uint64_t> piece;  ///< body bytes a write
    nanoseconds every{0};                ///< between pieces
    nanoseconds header_takes{0};         ///< from the header's first byte to its last, in eight pieces; 0: at once
    friend bool operator==(const sending&, const sending&) = default;
};

struct request {
    std::string method = "GET", target = "/", version = "1.1";
    field_lines fields;
    content body;
    std::optional<std::string> raw;  ///< these bytes instead (no token then)
    std::string proxy_header;        ///< that its connection begins with: "1 192.0.2.1 4321 198.51.100.1 80" (proxy_header.h); empty: none
    std::string connection;          ///< name of a kept connection; empty: one of its own, closed afterwards
    peers::sending sending;
    nanoseconds deadline{120'000'000'000};  ///< of the run's clock; then the client gives up and closes
    friend bool operator==(const request&, const request&) = default;
};

}  // namespace badorigin::peers
