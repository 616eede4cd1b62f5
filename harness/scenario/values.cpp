#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <yaml-cpp/binary.h>

#include "harness/scenario/reader.h"

namespace badorigin::scenario {

namespace {

constexpr std::string_view binary_tag = "tag:yaml.org,2002:binary";

template <class Number>
std::optional<Number> parse(std::string_view text) {
    Number out{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

/// Checked here because yaml-cpp 0.7 takes bytes above 0x7f for indices below zero.
bool is_base64(std::string_view text) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.size() % 4 != 0) return false;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    return text.find_first_not_of(alphabet) == std::string_view::npos;
}

}  // namespace

bool is_plain(const YAML::Node& scalar) {
    return scalar.Tag() != "!";
}

std::string describe(const YAML::Node& what) {
    if (what.IsSequence()) return "a list";
    if (what.IsMap()) return "a mapping";
    if (!what.IsScalar()) return "nothing";
    const auto& text = what.Scalar();
    return text.size() > 40 ? fmt::format("'{}…'", text.substr(0, 40)) : fmt::format("'{}'", text);
}

std::optional<std::string> reader::text(const YAML::Node& from, std::string_view what) {
    if (!from.IsScalar()) {
        wrong(from, fmt::format("{}: expected text, found {}", what, describe(from)));
        return std::nullopt;
    }
    if (from.Tag() != binary_tag) return from.Scalar();
    auto coded = from.Scalar();
    std::erase_if(coded, [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
    if (!is_base64(coded)) {
        wrong(from, fmt::format("{}: expected base64 behind !!binary", what));
        return std::nullopt;
    }
    const auto bytes = YAML::DecodeBase64(coded);
    return std::string{bytes.begin(), bytes.end()};
}

std::optional<std::string> reader::name(const YAML::Node& from, std::string_view what) {
    auto out = text(from, what);
    if (out && !is_name(*out, true)) {
        wrong(from, fmt::format("{}: '{}' is no name; expected a letter, then letters, digits, '-', '_' or '.'", what, *out));
        return std::nullopt;
    }
    return out;
}

std::optional<std::int64_t> reader::whole(const YAML::Node& from, std::string_view what, std::int64_t least, std::int64_t most) {
    const auto value = from.IsScalar() && is_plain(from) ? parse<std::int64_t>(from.Scalar()) : std::nullopt;
    if (value && *value >= least && *value <= most) return value;
    const auto range = most == std::numeric_limits<std::int64_t>::max() || most == std::numeric_limits<int>::max()
                           ? fmt::format("of at least {}", least)
                           : fmt::format("from {} to {}", least, most);
    wrong(from, fmt::format("{}: expected a whole number {}, found {}{}", what, range, describe(from),
                            value || !from.IsScalar() || is_plain(from) ? "" : " in quotes"));
    return std::nullopt;
}

std::optional<int> reader::count(const YAML::Node& from, std::string_view what) {
    const auto value = whole(from, what, 0, std::numeric_limits<int>::max());
    return value ? std::optional{static_cast<int>(*value)} : std::nullopt;
}

std::optional<int> reader::status(const YAML::Node& from, std::string_view what, int least, int most) {
    const auto value = whole(from, what, least, most);
    return value ? std::optional{static_cast<int>(*value)} : std::nullopt;
}

std::optional<double> reader::number(const YAML::Node& from, std::string_view what) {
    const auto value = from.IsScalar() && is_plain(from) ? parse<double>(from.Scalar()) : std::nullopt;
    if (value && std::isfinite(*value) && !std::signbit(*value)) return value;
    wrong(from, fmt::format("{}: expected a number of at least 0, such as 0.5, found {}", what, describe(from)));
    return std::nullopt;
}

std::optional<bool> reader::yes_no(const YAML::Node& from, std::string_view what) {
    if (from.IsScalar() && is_plain(from)) {
        if (from.Scalar() == "yes" || from.Scalar() == "true") return true;
        if (from.Scalar() == "no" || from.Scalar() == "false") return false;
    }
    wrong(from, fmt::format("{}: expected yes or no, found {}", what, describe(from)));
    return std::nullopt;
}

std::optional<std::uint64_t> reader::size(const YAML::Node& from, std::string_view what) {
    struct unit {
        std::string_view name;
        std::uint64_t bytes;
    };
    static constexpr std::array<unit, 8> units{
        {{"", 1}, {"B", 1}, {"kB", 1'000}, {"KiB", 1 << 10}, {"MB", 1'000'000}, {"MiB", 1 << 20}, {"GB", 1'000'000'000}, {"GiB", 1 << 30}}};
    constexpr std::uint64_t most = std::uint64_t{1} << 50;
    if (from.IsScalar() && is_plain(from)) {
        const std::string_view all = from.Scalar();
        const auto digits = std::min(all.find_first_not_of("0123456789"), all.size());
        const auto value = parse<std::uint64_t>(all.substr(0, digits));
        const auto unit_text = all.substr(digits);
        const auto found = std::ranges::find_if(units, [&](const unit& u) { return u.name == unit_text; });
        if (value && found != units.end() && *value <= most / found->bytes) return *value * found->bytes;
    }
    wrong(from, fmt::format("{}: expected a size such as 100, 4kB, 1MiB, 2GB, found {}", what, describe(from)));
    return std::nullopt;
}

std::optional<nanoseconds> reader::literal_duration(const YAML::Node& from, std::string_view what) {
    const auto value = from.IsScalar() ? parse_duration(from.Scalar()) : std::nullopt;
    if (!value) wrong(from, fmt::format("{}: expected a duration such as 30s, 1m30s, 1.5s, 200ms, 2h, found {}", what, describe(from)));
    return value;
}

std::optional<nanoseconds> reader::duration(const YAML::Node& from, std::string_view what, bool waits) {
    if (!from.IsScalar()) {
        wrong(from, fmt::format("{}: expected a duration such as 30s or ttl + 2s, found {}", what, describe(from)));
        return std::nullopt;
    }
    const auto value = evaluate(from.Scalar(), promises);
    if (!value) {
        auto message = fmt::format("{}: {}", what, value.error().message);
        if (std::ranges::any_of(step_names,
                                [&](const named_step& step) { return !step.name.empty() && step.name == value.error().unknown; })) {
            message = fmt::format("{}: '{}' is a step; only `at` may follow from a step", what, value.error().unknown);
        }
        wrong(from, std::move(message));
        return std::nullopt;
    }
    if (value->offset.count() < 0) {
        wrong(from, fmt::format("{}: impossible time: '{}' is {}", what, from.Scalar(), format_duration(value->offset)));
        return std::nullopt;
    }
    if (waits) longest_wait(value->longest_literal);
    return value->offset;
}

}  // namespace badorigin::scenario
