// Recorded time against time now: instants, waits, and dates, so that freshness means the same.
//
// Replayed N times as fast, a response must also age N times as fast, so lifetimes (max-age and its like, Age, Expires against Date) are
// divided by N; being whole seconds they are rounded, and never to 0 where they were more. As fast as possible, no time passes that could
// be divided: lifetimes stay as they were, and what had expired in the recording is fresh.
//
// Validators are dates that are compared and not measured: they all move by the same whole seconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fake-backends/script.h"
#include "http/message.h"

namespace badorigin::traffic {

using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Recorded time passes so many times as fast; nothing: as fast as possible.
struct pace {
    std::optional<double> speed = 1;

    nanoseconds wait(nanoseconds recorded) const;  ///< 0 as fast as possible
    seconds lifetime(seconds recorded) const;
    friend bool operator==(const pace&, const pace&) = default;
};
/// "1", "10", "0.5", "max"; nothing for what is none of them.
std::optional<pace> parse_pace(std::string_view text);
std::string text_of(const pace& how);

class date_shift {
public:
    /// What was recorded at `then` is replayed at `now`, both Unix time.
    date_shift(pace how, nanoseconds then, nanoseconds now);

    /// Fields of a response that its origin began to send at `then`, as they are to be sent at `now`. Without those that frame the message
    /// or belong to the connection.
    peers::field_lines response(const http::message& recorded, nanoseconds then, nanoseconds now) const;
    peers::field_lines request(const http::message& recorded) const;
    /// A date that is compared only; as it is where it is none.
    std::string validator(std::string_view date) const;

private:
    std::string relative(std::string_view date, seconds from, seconds to) const;
    std::string lifetimes(std::string_view directives) const;

    pace pace_;
    seconds distance_;
};

}  // namespace badorigin::traffic
