// The records of one transaction: a session, a client's request, a request to an origin (record_log.h). Tags and values are Varnish's
// where it has them; docs/log.md lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/fields.h"
#include "proxy-under-test/cache/record_log.h"

namespace badorigin::cache {

class transaction_log {
public:
    /// Begin "KIND PARENT WHY": "req 1 rxreq", "bereq 2 fetch", "sess 0 HTTP/1".
    transaction_log(record_log& to, const clock& time, std::uint64_t number, std::string_view kind, std::uint64_t parent,
                    std::string_view why);
    ~transaction_log() { end(); }
    transaction_log(const transaction_log&) = delete;
    transaction_log& operator=(const transaction_log&) = delete;

    bool wanted() const { return to_.wanted() && !ended_; }
    void add(std::string_view tag, std::string_view value = {}) {
        if (wanted()) to_.put(number_, tag, side_, value);
    }
    /// The value is made only where somebody reads it.
    template <class... Values>
    void tell(std::string_view tag, fmt::format_string<Values...> format, Values&&... values) {
        if (wanted()) to_.put(number_, tag, side_, fmt::format(format, std::forward<Values>(values)...));
    }
    /// VCL_call "BACKEND_FETCH" for vcl_backend_fetch.
    void called(std::string_view subroutine);
    /// Timestamp "EVENT: EPOCH SINCE_BEGIN SINCE_LAST".
    void stamp(std::string_view event);

    /// A head as it stands; `of`: "Req", "Bereq", "Beresp", "Resp".
    void add_head(std::string_view of, const request_head& head);
    void add_head(std::string_view of, const response_head& head);
    /// "ReqHeader X: y", "ReqUnset X: y".
    void add_field(std::string_view of, std::string_view what, std::string_view name, std::string_view value);
    /// What has become another field section: what is gone, then what is new.
    void add_changes(std::string_view of, const field_list& before, const field_list& after);
    void end();

private:
    record_log& to_;
    const clock& time_;
    std::uint64_t number_;
    char side_;
    nanoseconds begun_, last_;
    bool ended_ = false;
};

/// Seconds as the log has them.
inline double seconds_of(nanoseconds span) {
    return std::chrono::duration<double>(span).count();
}

}  // namespace badorigin::cache
