// Faults laid over recorded origins for a time of the recording: --fault 'status_storm from 20s for 10s'.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fake-backends/script.h"

namespace badorigin::traffic {

using std::chrono::nanoseconds;

struct storm {
    std::string text;          ///< as it was given
    int status = 0;            ///< the origin answers with it; 0: the recorded answer suffers `fault`
    std::string fault = {};    ///< of the catalogue
    std::string target = "*";  ///< where a trailing * stands for any rest
    nanoseconds from{0}, lasts{0};

    bool strikes(std::string_view asked, nanoseconds recorded) const;
};

/// "NAME[=STATUS] [on TARGET] from TIME for TIME", where NAME is status-storm (503, unless STATUS says another) or a fault of the
/// catalogue. The error is a sentence.
std::expected<storm, std::string> parse_storm(std::string_view text);
/// The first that strikes; null: none.
const storm* striking(std::span<const storm> all, std::string_view target, nanoseconds recorded);
/// The reply as the storm leaves it; `left`: until the storm is over, which is how long a silence lasts.
peers::reply struck(peers::reply recorded, const storm& by, nanoseconds left);

}  // namespace badorigin::traffic
