#include "proxy-under-test/cache/cache_directives.h"

#include <algorithm>
#include <charconv>

namespace badorigin::cache {

std::optional<nanoseconds> delta_seconds(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
    std::int64_t value = most_seconds;
    if (text.size() <= 10) std::from_chars(text.data(), text.data() + text.size(), value);
    return std::chrono::seconds(std::min(value, most_seconds));
}

cache_directives::cache_directives(std::string value) {
    for (const auto element : list_elements(value)) {
        const auto equals = element.find('=');
        // White space around "=" is no directive's form: the argument then is malformed, and the name still meant.
        directive made{lower(trimmed(element.substr(0, equals))), std::nullopt};
        if (equals != std::string_view::npos) {
            const bool tight = !trimmed(element.substr(0, equals)).empty() && trimmed(element.substr(0, equals)).size() == equals;
            made.argument = tight ? std::string(element.substr(equals + 1)) : std::string();
        }
        all_.push_back(std::move(made));
    }
}

bool cache_directives::has(std::string_view name) const {
    return std::ranges::find(all_, name, &directive::name) != all_.end();
}

bool cache_directives::bare(std::string_view name) const {
    return std::ranges::any_of(all_, [&](const directive& each) { return each.name == name && !each.argument; });
}

std::optional<nanoseconds> cache_directives::seconds(std::string_view name) const {
    std::optional<nanoseconds> found;
    for (const auto& each : all_) {
        if (each.name != name) continue;
        const auto value = delta_seconds(each.argument.value_or("")).value_or(nanoseconds{0});
        if (found && *found != value) return nanoseconds{0};
        found = value;
    }
    return found;
}

client_wishes client_wishes::of(const field_list& request) {
    client_wishes out;
    if (!request.has("Cache-Control")) {
        out.no_cache = request.has_element("Pragma", "no-cache");
        return out;
    }
    const cache_directives asked(request.joined("Cache-Control"));
    out.no_cache = asked.has("no-cache");
    out.no_store = asked.has("no-store");
    out.only_if_cached = asked.has("only-if-cached");
    out.max_age = asked.seconds("max-age");
    out.min_fresh = asked.seconds("min-fresh");
    out.max_stale = asked.seconds("max-stale");
    if (asked.bare("max-stale")) out.max_stale = std::chrono::seconds(most_seconds);  // however stale
    return out;
}

}  // namespace badorigin::cache
