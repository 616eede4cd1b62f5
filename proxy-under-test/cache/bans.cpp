#include "proxy-under-test/cache/bans.h"

#include <algorithm>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
std::optional<std::string> read(std::string_view variable, const stored_object& object, const request_head& request, nanoseconds now) {
    constexpr std::string_view request_field = "req.http.", object_field = "obj.http.";
    const auto field = [](const field_list& in, std::string_view name) {
        const auto* found = in.find(name);
        return found ? std::optional(*found) : std::nullopt;
    };
    if (variable.starts_with(request_field)) return field(request.fields, variable.substr(request_field.size()));
    if (variable.starts_with(object_field)) return field(object.head.fields, variable.substr(object_field.size()));
    if (variable == "req.url") return request.target;
    if (variable == "req.method") return request.method;
    if (variable == "obj.status") return std::to_string(object.head.status);
    const auto seconds = [](nanoseconds of) { return vcl::to_string(vcl::duration{of}); };
    if (variable == "obj.age") return seconds(object.age(now));
    if (variable == "obj.ttl") return seconds(object.ttl);
    if (variable == "obj.grace") return seconds(object.grace);
    if (variable == "obj.keep") return seconds(object.keep);
    return std::nullopt;
}

bool asks_request(const vcl::ban_expression& ban) {
    return ban.text().contains("req.");
}
}  // namespace

std::expected<void, std::string> ban_list::add(std::string_view expression) {
    auto parsed = vcl::ban_expression::parse(expression);
    if (!parsed) return std::unexpected(parsed.error());
    bans_.push_back(std::move(*parsed));
    return {};
}

bool ban_list::test(stored_object& object, const request_head* request, nanoseconds now) const {
    static const request_head none;
    for (; object.bans_seen < count(); ++object.bans_seen) {
        const auto& ban = bans_[object.bans_seen - forgotten_];
        if (!request && asks_request(ban)) return false;
        const bool named = ban.matches([&](std::string_view variable) { return read(variable, object, request ? *request : none, now); });
        if (named && !planted(bug::ignore_ban)) return true;
    }
    return false;
}

bool ban_list::strikes(stored_object& object, const request_head& request, nanoseconds now) const {
    return test(object, &request, now);
}

bool ban_list::strikes_without_request(stored_object& object, nanoseconds now) const {
    return test(object, nullptr, now);
}

void ban_list::forget_before(std::uint64_t which) {
    for (; forgotten_ < which; ++forgotten_) bans_.pop_front();
    next_sweep_ = std::max<std::size_t>(8, 2 * bans_.size());
}

}  // namespace badorigin::cache
