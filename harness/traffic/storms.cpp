#include "harness/traffic/storms.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "fake-backends/faults.h"
#include "harness/scenario/yaml.h"

namespace badorigin::traffic {

namespace {

constexpr std::string_view storm_of_statuses = "status-storm";

std::unexpected<std::string> wrong(std::string_view text, std::string_view why) {
    return std::unexpected(fmt::format("fault '{}': {}", text, why));
}

std::string why_no_fault(const std::string& name) {
    std::vector<std::string> known{std::string{storm_of_statuses}};
    for (const auto& row : peers::fault_catalogue()) known.emplace_back(row.id);
    const auto near = scenario::near_miss(name, known);
    return fmt::format("there is no fault {}{} (see: badorigin list faults; and {})", name,
                       near.empty() ? "" : fmt::format("; did you mean {}?", near), storm_of_statuses);
}

/// Fills status or fault; why not, or nothing.
std::string name_fault(std::string name, storm& into) {
    const auto equals = name.find('=');
    const auto value = equals == std::string::npos ? std::string{} : name.substr(equals + 1);
    name.resize(std::min(equals, name.size()));
    std::ranges::replace(name, '_', '-');
    if (name == storm_of_statuses) {
        into.status = 503;
        const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), into.status);
        const bool fits = equals == std::string::npos ||
                          (bad == std::errc{} && end == value.data() + value.size() && into.status >= 200 && into.status <= 599);
        return fits ? "" : fmt::format("{} is no status from 200 to 599", value);
    }
    if (peers::find_fault(name) == nullptr) return why_no_fault(name);
    if (equals != std::string::npos) return fmt::format("{} takes no value", name);
    into.fault = name;
    return {};
}

}  // namespace

bool storm::strikes(std::string_view asked, nanoseconds recorded) const {
    if (recorded < from || recorded >= from + lasts) return false;
    const auto rest = std::string_view{target}.substr(0, target.size() - 1);
    return target.ends_with('*') ? asked.starts_with(rest) : asked == target;
}

std::expected<storm, std::string> parse_storm(std::string_view text) {
    constexpr std::string_view form = "expected NAME [on TARGET] from TIME for TIME, such as 'status_storm from 20s for 10s'";
    std::istringstream words{std::string{text}};
    std::string name;
    if (!(words >> name)) return wrong(text, form);
    storm out;
    out.text = text;
    if (const auto why = name_fault(name, out); !why.empty()) return wrong(text, why);
    std::optional<nanoseconds> from, lasts;
    for (std::string key, value; words >> key;) {
        if (!(words >> value) || (key != "on" && key != "from" && key != "for")) return wrong(text, form);
        if (key == "on") {
            out.target = value;
            continue;
        }
        const auto time = scenario::parse_duration(value);
        if (!time) return wrong(text, fmt::format("'{}' is no duration; durations are written 30s, 1m30s, 200ms, 2h", value));
        (key == "from" ? from : lasts) = *time;
    }
    if (!from || !lasts || lasts->count() <= 0) return wrong(text, form);
    out.from = *from;
    out.lasts = *lasts;
    return out;
}

const storm* striking(std::span<const storm> all, std::string_view target, nanoseconds recorded) {
    const auto found = std::ranges::find_if(all, [&](const storm& s) { return s.strikes(target, recorded); });
    return found == all.end() ? nullptr : &*found;
}

peers::reply struck(peers::reply recorded, const storm& by, nanoseconds left) {
    if (by.status == 0) {
        recorded.fault = peers::fault{};
        recorded.fault->id = by.fault;
        if (by.fault.starts_with("stall") || by.fault == "never-read") recorded.fault->lasts = left;
        return recorded;
    }
    peers::reply out;
    out.status = by.status;
    out.fields = {{"Content-Type", "text/plain"}};
    out.body.kind = peers::content::kind::literal;
    out.body.literal = fmt::format("{}\n", by.text);
    return out;
}

}  // namespace badorigin::traffic
