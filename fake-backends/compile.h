// A reply and the request it answers, turned into a program of plain wire actions. Pure: no sockets, no clock of its own.
//
// Whatever a fault does to the bytes or to the connection is decided here, so that it can be tested byte by byte and the engine
// stays a dumb player. The program begins once the request's header section has arrived.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fake-backends/framing.h"
#include "fake-backends/script.h"

namespace badorigin::peers {

namespace act {

struct read_request_header {};
struct read_request_body {};
struct wait {
    nanoseconds time{0};
};
struct send {
    std::string bytes;
};
struct drip {
    std::string bytes;
    std::size_t piece = 1;
    nanoseconds every{0};
};
struct close {};       ///< FIN; everything is read, before and after
struct reset {};       ///< RST, once everything written has left
struct half_close {};  ///< FIN; what comes then is read and dropped until the peer closes
struct stall {
    std::optional<nanoseconds> time;
};  ///< absent: until the peer is gone or the run ends
struct stop_reading {};
struct resume_reading {};

}  // namespace act

using action = std::variant<act::read_request_header, act::read_request_body, act::wait, act::send, act::drip, act::close, act::reset,
                            act::half_close, act::stall, act::stop_reading, act::resume_reading>;

struct wire_program {
    std::vector<action> actions;
    bool keep = true;                       ///< the connection may serve another request; false: the last action ends it
    std::optional<nanoseconds> idle_close;  ///< FIN when no further request came for so long
};

/// `date` is Unix time; `serial` goes into Badorigin-Serial; `reused`: not the first request of its connection.
/// The reply's fault must be one of the catalogue.
wire_program compile(const reply& script, const request_facts& asked, std::string_view serial, std::chrono::seconds date, bool reused);

/// All bytes that a program sends, in order.
std::string sent_bytes(const wire_program& program);

/// True when the route is for this request: method or *, target with a trailing * for any rest; absolute-form targets match by path.
bool matches(const route& where, const request_facts& asked);
/// True when the reply may be used for this request, apart from its count.
bool usable(const reply& script, const request_facts& asked, bool reused, nanoseconds now);

}  // namespace badorigin::peers
