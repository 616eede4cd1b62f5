#include "proxy-under-test/cache/bans.h"

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
std::string read(std::string_view variable, const stored_object& object, const request_head& request, nanoseconds now) {
    constexpr std::string_view request_field = "req.http.", object_field = "obj.http.";
    if (variable.starts_with(request_field)) return std::string(request.fields.value(variable.substr(request_field.size())));
    if (variable.starts_with(object_field)) return std::string(object.head.fields.value(variable.substr(object_field.size())));
    if (variable == "req.url") return request.target;
    if (variable == "req.method") return request.method;
    if (variable == "obj.status") return std::to_string(object.head.status);
    const auto seconds = [](nanoseconds of) { return vcl::to_string(vcl::duration{of}); };
    if (variable == "obj.age") return seconds(object.age(now));
    if (variable == "obj.ttl") return seconds(object.ttl);
    if (variable == "obj.grace") return seconds(object.grace);
    if (variable == "obj.keep") return seconds(object.keep);
    return {};
}
}  // namespace

std::expected<void, std::string> ban_list::add(std::string_view expression) {
    auto parsed = vcl::ban_expression::parse(expression);
    if (!parsed) return std::unexpected(parsed.error());
    bans_.push_back(std::move(*parsed));
    return {};
}

bool ban_list::strikes(stored_object& object, const request_head& request, nanoseconds now) const {
    for (; object.bans_seen < bans_.size(); ++object.bans_seen) {
        const bool named = bans_[object.bans_seen].matches([&](std::string_view variable) { return read(variable, object, request, now); });
        if (named && !planted(bug::ignore_ban)) return true;
    }
    return false;
}

}  // namespace badorigin::cache
