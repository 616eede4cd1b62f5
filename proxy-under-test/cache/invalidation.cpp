#include "proxy-under-test/cache/invalidation.h"

#include <algorithm>
#include <array>

namespace badorigin::cache {

namespace {
/// RFC 3986 5.2.4, for a path that begins with "/".
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> segments;
    bool folder = false;
    for (std::size_t at = 1; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto segment = path.substr(at, end - at);
        folder = segment == "." || segment == "..";
        if (segment == ".." && !segments.empty()) segments.pop_back();
        if (!folder) segments.push_back(segment);
        at = end + 1;
    }
    std::string out;
    for (const auto& each : segments) out.append("/").append(each);
    if (folder || out.empty()) out += '/';
    return out;
}
}  // namespace

bool is_safe(std::string_view method) {
    static constexpr auto safe = std::to_array<std::string_view>({"GET", "HEAD", "OPTIONS", "TRACE"});
    return std::ranges::find(safe, method) != safe.end();
}

std::optional<std::string> same_origin_target(std::string_view reference, std::string_view target, std::string_view host) {
    reference = reference.substr(0, reference.find('#'));
    const auto scheme_end = reference.find(':');
    if (scheme_end != std::string_view::npos && scheme_end < reference.find_first_of("/?")) {
        if (!same_name(reference.substr(0, scheme_end), "http")) return std::nullopt;
        reference.remove_prefix(scheme_end + 1);
        if (!reference.starts_with("//")) return std::nullopt;
    }
    if (reference.starts_with("//")) {
        const auto end = std::min(reference.find_first_of("/?", 2), reference.size());
        const auto plain = [](std::string_view name) { return name.ends_with(":80") ? name.substr(0, name.size() - 3) : name; };
        if (!same_name(plain(reference.substr(2, end - 2)), plain(host))) return std::nullopt;
        reference.remove_prefix(end);
        if (reference.empty()) return "/";
        if (reference.front() == '?') return "/" + std::string(reference);
    }
    const auto path = target.substr(0, target.find('?'));
    if (reference.empty()) return std::string(target);
    if (reference.front() == '?') return std::string(path) + std::string(reference);
    const auto query = std::min(reference.find('?'), reference.size());
    std::string whole(reference.substr(0, query));
    if (whole.front() != '/') whole.insert(0, path.substr(0, path.rfind('/') + 1));
    if (whole.front() != '/') return std::nullopt;  // "*", as of OPTIONS
    return without_dots(whole) + std::string(reference.substr(query));
}

std::vector<std::string> invalidated_targets(const request_head& request, const response_head& response) {
    if (is_safe(request.method) || response.status < 200 || response.status >= 400) return {};
    std::vector<std::string> out{request.target};
    for (const auto name : {"Location", "Content-Location"}) {
        const auto* reference = response.fields.find(name);
        if (!reference) continue;
        if (auto named = same_origin_target(*reference, request.target, request.fields.value("Host"))) out.push_back(std::move(*named));
    }
    return out;
}

}  // namespace badorigin::cache
