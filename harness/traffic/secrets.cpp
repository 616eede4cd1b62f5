#include "harness/traffic/secrets.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace badorigin::traffic {

namespace {

constexpr std::size_t tellable = 6;  // shorter values stand in harmless places too

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool names_a_secret(std::string_view text) {
    static constexpr std::array<std::string_view, 16> words{"password", "passwd", "pwd",        "secret",    "token", "api-key",
                                                            "api_key",  "apikey", "auth",       "jwt",       "csrf",  "session",
                                                            "signatur", "sid=",   "credential", "access_key"};
    const auto small = lower(text);
    return std::ranges::any_of(words, [&](auto word) { return small.find(word) != std::string::npos; });
}

/// As long and as mixed as no word is.
bool looks_random(std::string_view value) {
    const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    const auto letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    const auto fine = [](unsigned char c) {
        return std::isalnum(c) || std::string_view{"-_.~+/=%"}.find(static_cast<char>(c)) != std::string_view::npos;
    };
    return value.size() >= 20 && std::ranges::count_if(value, digit) >= 3 && std::ranges::count_if(value, letter) >= 3 &&
           std::ranges::all_of(value, fine);
}

}  // namespace

std::string secrets::word(std::string_view value) {
    if (keep_ || value.empty()) return std::string{value};
    const auto known = words_.find(value);
    if (known != words_.end()) return known->second;
    const auto made = words_.emplace(value, fmt::format("secret-{}", words_.size() + 1)).first;
    if (value.size() >= tellable) found_by_[made->first.substr(0, tellable)].push_back(made->first);
    return made->second;
}

/// "a=1; b=2": the values of all pairs, or of those whose name or value says that they are secret.
std::string secrets::pairs(std::string_view text, char separator, bool all) {
    std::string out;
    while (true) {
        const auto end = text.find(separator);
        auto part = text.substr(0, end);
        const auto begin = std::min(part.find_first_not_of(' '), part.size());
        const auto equals = part.find('=');
        if (equals == std::string_view::npos) {
            out += all ? std::string{part.substr(0, begin)} + word(part.substr(begin)) : std::string{part};
        } else {
            const auto name = part.substr(0, equals), value = part.substr(equals + 1);
            const bool secret = all || names_a_secret(name) || lower(name) == "sid" || lower(name) == "key" || looks_random(value);
            out += fmt::format("{}={}", name, secret ? word(value) : std::string{value});
        }
        if (end == std::string_view::npos) return out;
        out += separator;
        text.remove_prefix(end + 1);
    }
}

std::string secrets::field(std::string_view name, std::string_view value) {
    if (keep_) return std::string{value};
    const auto is = [&](std::string_view other) { return http::same_name(name, other); };
    if (is("Authorization") || is("Proxy-Authorization")) {
        const auto blank = value.find(' ');
        if (blank == std::string_view::npos) return word(value);
        return fmt::format("{} {}", value.substr(0, blank), word(value.substr(blank + 1)));
    }
    if (is("Cookie")) return pairs(value, ';', true);
    if (is("Set-Cookie")) {
        const auto end = std::min(value.find(';'), value.size());
        return pairs(value.substr(0, end), ';', true) + std::string{value.substr(end)};
    }
    if (is("Location") || is("Content-Location") || is("Referer") || is("Link")) return text(target(value));
    if (names_a_secret(name) && !is("WWW-Authenticate") && !is("Proxy-Authenticate")) return word(value);
    return text(value);
}

std::string secrets::target(std::string_view whole) {
    if (keep_) return std::string{whole};
    std::string before;
    const auto scheme = whole.find("://");
    if (scheme != std::string_view::npos && scheme < whole.find_first_of("/?")) {
        const auto host = scheme + 3, at = whole.find('@'), path = whole.find('/', host);
        before = whole.substr(0, host);
        whole.remove_prefix(at != std::string_view::npos && at < path ? at + 1 : host);
    }
    const auto query = whole.find('?');
    if (query == std::string_view::npos) return before + text(whole);
    return before + text(whole.substr(0, query + 1)) + text(pairs(whole.substr(query + 1), '&', false));
}

std::string secrets::text(std::string_view from) const {
    std::string out;
    for (std::size_t at = 0; at < from.size();) {
        const auto known = found_by_.find(std::string{from.substr(at, tellable)});
        std::string_view longest;
        for (auto value : known == found_by_.end() ? std::vector<std::string_view>{} : known->second)
            if (value.size() > longest.size() && from.substr(at).starts_with(value)) longest = value;
        out += longest.empty() ? std::string{from[at]} : words_.find(longest)->second;
        at += std::max<std::size_t>(longest.size(), 1);
    }
    return out;
}

std::optional<std::string> secrets::body(std::string_view bytes) const {
    if (keep_) return std::string{bytes};
    const bool page = bytes.find('<') != std::string_view::npos;  // its words mean nothing, and its marks look random
    if (page) return text(bytes);
    if (names_a_secret(bytes)) return std::nullopt;
    constexpr std::string_view between = " \t\r\n\"',;:&?{}[]()";
    for (std::size_t at = 0; at < bytes.size();) {
        const auto end = std::min(bytes.find_first_of(between, at), bytes.size());
        if (looks_random(bytes.substr(at, end - at))) return std::nullopt;
        at = end + 1;
    }
    return text(bytes);
}

void secrets::collect(const http::message& m) {
    if (keep_) return;
    for (const auto& f : m.fields)
        if (!f.name.starts_with("Badorigin-")) field(f.name, f.value);  // tokens of the harness
    if (m.side != http::direction::request) return;
    target(m.target);
    const std::string_view content = m.content_start;
    const bool form =
        content.size() < 4096 && content.find('=') != std::string_view::npos && content.find_first_of(" <{\n") == std::string_view::npos;
    if (form) pairs(content, '&', false);
}

}  // namespace badorigin::traffic
