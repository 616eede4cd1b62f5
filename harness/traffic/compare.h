// Then against now, transaction by transaction: what each client got, and what origins were asked on its behalf. A pure function of two
// evidences: the recording's, and that of the run that replayed it.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/traffic/pace.h"
#include "harness/traffic/recording.h"
#include "harness/traffic/storms.h"

namespace badorigin::traffic {

struct difference {
    enum class kind : std::uint8_t {
        not_asked,  ///< the packets of the replay do not show the request
        status,     ///< "0": no answer
        complete,   ///< a whole response, or a part of one
        body,
        field,
        origin,  ///< the statuses that origins (which, where there are several) answered on its behalf, sorted; of requests for the same in
                 ///< flight together, of all of them
    };
    difference::kind what = kind::status;
    std::size_t ask = 0;                  ///< of the recording
    std::string name = {};                ///< of the field
    std::string then, now;                ///< in words
    std::string storm = {};               ///< that was laid over its moment; empty: none
    capture::exchange_ptr replayed = {};  ///< null: not asked
};
std::string_view name(difference::kind what);

/// Signed: late is positive. All 0 where nothing was measured.
struct distribution {
    std::size_t count = 0;
    nanoseconds least{0}, median{0}, percentile_90{0}, percentile_99{0}, most{0};
};
distribution distribution_of(std::vector<nanoseconds> values);

struct comparison {
    std::vector<difference> differences;  ///< in order of the asks
    std::size_t compared = 0;             ///< asks that both show
    std::size_t origins_compared = 0;     ///< of these, whose origin requests are known on both sides
    std::size_t bodies_of_proxies = 0;    ///< error pages that no origin sent then: not compared
    /// When requests were sent, since the first, against when they should have been; how long origins waited with their answers, against
    /// how long they should have. Nothing as fast as possible.
    distribution requests, waits;
};

struct compare_settings {
    pace how;
    std::span<const storm> storms;
    std::set<std::string> volatile_fields;  ///< in lower case, beside those that always are
};

/// `shift` as it was when the recording was replayed.
comparison compare(const recording& then, const capture::evidence& now, const date_shift& shift, const compare_settings& settings);

/// Fields that differ from proxy to proxy and from second to second: of the connection and the hop, Date, Age.
bool is_always_volatile(std::string_view name);

}  // namespace badorigin::traffic
