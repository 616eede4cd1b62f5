#include "proxy-under-test/cache/ranges.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

#include <fmt/core.h>

#include "proxy-under-test/cache/dates.h"

namespace badorigin::cache {

namespace {
constexpr std::size_t most_ranges = 16;

/// As large as it gets where there are more digits than that.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || end != text.data() + text.size()) return std::nullopt;
    return error == std::errc::result_out_of_range ? std::numeric_limits<std::uint64_t>::max() : out;
}

enum class verdict { malformed, unsatisfiable, good };

verdict read_range(std::string_view spec, std::uint64_t size, byte_range& into) {
    const auto dash = spec.find('-');
    if (dash == std::string_view::npos) return verdict::malformed;
    const auto first = number(spec.substr(0, dash)), last = number(spec.substr(dash + 1));
    if (dash == 0) {  // the last so many
        if (!last) return verdict::malformed;
        if (*last == 0 || size == 0) return verdict::unsatisfiable;
        into = {size - std::min(*last, size), size - 1};
        return verdict::good;
    }
    if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) return verdict::malformed;
    if (*first >= size) return verdict::unsatisfiable;
    into = {*first, std::min(last.value_or(size - 1), size - 1)};
    return verdict::good;
}
}  // namespace

std::optional<std::vector<byte_range>> requested_ranges(std::string_view field, std::uint64_t size) {
    const auto equals = field.find('=');
    if (equals == std::string_view::npos || !same_name(trimmed(field.substr(0, equals)), "bytes")) return std::nullopt;
    const auto specs = list_elements(field.substr(equals + 1));
    if (specs.empty() || specs.size() > most_ranges) return std::nullopt;
    std::vector<byte_range> out;
    for (const auto spec : specs) {
        byte_range read;
        const auto is = read_range(spec, size, read);
        if (is == verdict::malformed) return std::nullopt;
        if (is == verdict::good) out.push_back(read);
    }
    const auto sum = std::accumulate(out.begin(), out.end(), std::uint64_t{0},
                                     [](std::uint64_t so_far, const byte_range& r) { return so_far + r.last - r.first + 1; });
    if (out.size() > 1 && sum >= size) return std::nullopt;  // overlapping, or all of it in pieces (RFC 9110 14.2)
    return out;
}

std::string_view strong_date(const field_list& fields) {
    const auto last = fields.value("Last-Modified");
    const auto modified = parse_http_date(last), made = parse_http_date(fields.value("Date"));
    return modified && made && *made >= *modified + std::chrono::seconds(1) ? last : std::string_view();
}

bool range_applies(const request_head& request, const response_head& stored) {
    const auto* condition = request.fields.find("If-Range");
    if (!condition) return true;
    if (const auto at = parse_http_date(*condition)) {
        const auto modified = parse_http_date(strong_date(stored.fields));
        return modified && *at == *modified;
    }
    return !condition->empty() && !condition->starts_with("W/") && *condition == stored.fields.value("ETag");
}

std::string content_range(const byte_range& of, std::uint64_t size) {
    return fmt::format("bytes {}-{}/{}", of.first, of.last, size);
}

multipart multipart_of(const std::vector<byte_range>& ranges, std::string_view content, std::string_view type) {
    multipart out;
    for (std::uint64_t tried = 0;; ++tried) {  // none that the content holds
        out.boundary = fmt::format("badorigin-part-{:016x}", content.size() * 0x9e3779b97f4a7c15 + tried);
        if (content.find(out.boundary) == std::string_view::npos) break;
    }
    for (const auto& each : ranges) {
        out.content += fmt::format("--{}\r\n", out.boundary);
        if (!type.empty()) out.content += fmt::format("Content-Type: {}\r\n", type);
        out.content += fmt::format("Content-Range: {}\r\n\r\n", content_range(each, content.size()));
        out.content.append(content.substr(each.first, each.last - each.first + 1)).append("\r\n");
    }
    out.content += fmt::format("--{}--\r\n", out.boundary);
    return out;
}

}  // namespace badorigin::cache
