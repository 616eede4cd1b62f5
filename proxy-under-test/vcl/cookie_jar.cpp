#include "proxy-under-test/vcl/cookie_jar.h"

#include <algorithm>

namespace badorigin::cache::vcl {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Takes the part up to the separator off the front.
std::string_view next(std::string_view& rest, char separator) {
    const auto end = std::min(rest.find(separator), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return trimmed(part);
}

}  // namespace

void cookie_jar::parse(std::string_view field) {
    cookies_.clear();
    while (!field.empty()) {
        auto value = next(field, ';');
        if (value.find('=') == std::string_view::npos) continue;
        const auto name = next(value, '=');
        if (!name.empty()) cookies_.emplace_back(name, trimmed(value));
    }
}

void cookie_jar::set(std::string_view name, std::string_view value) {
    if (name.empty()) return;
    const auto found = std::ranges::find(cookies_, name, &std::pair<std::string, std::string>::first);
    if (found != cookies_.end()) {
        found->second = value;
    } else {
        cookies_.emplace_back(name, value);
    }
}

const std::string* cookie_jar::get(std::string_view name) const {
    return first([&](const std::string& each) { return each == name; });
}

const std::string* cookie_jar::first(const std::function<bool(const std::string&)>& fits) const {
    const auto found = std::ranges::find_if(cookies_, fits, &std::pair<std::string, std::string>::first);
    return found == cookies_.end() ? nullptr : &found->second;
}

void cookie_jar::drop(const std::function<bool(const std::string&)>& fits) {
    std::erase_if(cookies_, [&](const auto& each) { return fits(each.first); });
}

std::string cookie_jar::text() const {
    std::string all;
    for (const auto& [name, value] : cookies_) all += (all.empty() ? "" : "; ") + name + '=' + value;
    return all;
}

bool names_cookie(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        if (next(list, ',') == name) return true;
    }
    return false;
}

}  // namespace badorigin::cache::vcl
