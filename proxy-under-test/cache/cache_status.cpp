#include "proxy-under-test/cache/cache_status.h"

#include <fmt/core.h>

namespace badorigin::cache {

std::string cache_status::text() const {
    std::string out = "badorigin";
    if (hit) out += "; hit";
    if (!hit && !fwd.empty()) out.append("; fwd=").append(fwd);
    if (fwd_status) out += fmt::format("; fwd-status={}", *fwd_status);
    if (stored) out += "; stored";
    if (collapsed) out += "; collapsed";
    if (ttl) out += fmt::format("; ttl={}", std::chrono::floor<std::chrono::seconds>(*ttl).count());
    return out;
}

}  // namespace badorigin::cache
