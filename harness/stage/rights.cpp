#include "harness/stage/rights.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "capture/recorder.h"

namespace badorigin::stage {

std::string why_no_capture(const std::vector<std::string>& proxies) {
    static std::string why;
    static const auto right = capture::obtain_capture_right(why);
    if (right == capture::capture_right::none) return why;
    const auto outside = std::ranges::find_if(proxies, [](const auto& proxy) { return proxy.starts_with("at:"); });
    if (right == capture::capture_right::direct || outside == proxies.end()) return {};
    return fmt::format("--proxy {}: capturing is permitted in a network namespace of our own only, where that proxy is not; {}", *outside,
                       capture::how_to_capture());
}

bool can_have_own_namespaces() {
    static const bool can = [] {
        bool entered = false;
        std::jthread([&] { entered = capture::enter_fresh_network_namespace().has_value(); }).join();  // it is thrown away
        return entered;
    }();
    return can;
}

}  // namespace badorigin::stage
