#include "http/message.h"

#include <algorithm>

#include "http/grammar.h"

namespace badorigin::http {

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::vector<std::string_view> values(const fields& all, std::string_view name) {
    std::vector<std::string_view> found;
    for (std::size_t at = all.find(name); at < all.size(); at = all.find(name, at + 1)) found.push_back(all[at].value);
    return found;
}

bool has_token(const fields& all, std::string_view name, std::string_view token) {
    bool found = false;
    for (std::size_t at = all.find(name); at < all.size(); at = all.find(name, at + 1))
        for_each_element(all[at].value, [&](std::string_view element) { found |= same_name(element, token); });
    return found;
}

std::string_view name(framing how) {
    switch (how) {
        case framing::none:
            return "none";
        case framing::length:
            return "length";
        case framing::chunked:
            return "chunked";
        case framing::until_close:
            return "until-close";
        case framing::tunnel:
            return "tunnel";
        case framing::headerless:
            return "headerless";
    }
    return "unknown";
}

void message::clear() {
    side = direction::request;
    for (std::string* text : {&method, &target, &reason, &content_start}) text->clear();
    status = 0;
    version = {};
    fields.clear();
    trailers.clear();
    framing = framing::none;
    declared_length.reset();
    begin = body_begin = end = 0;
    content_size = content_hash = 0;
    header_complete = complete = gap = false;
    anomalies.clear();
}

bool message::has(anomaly what) const {
    return std::ranges::any_of(anomalies, [what](const anomaly_at& found) { return found.what == what; });
}

bool message::persistent() const {
    if (framing == framing::until_close || framing == framing::headerless || framing == framing::tunnel) return false;
    if (has_token(fields, "Connection", "close")) return false;
    if (has(anomaly::transfer_encoding_in_http_10)) return false;  // RFC 9112 6.1: closed after processing the message
    if (version.major > 1 || (version.major == 1 && version.minor >= 1)) return true;
    return version.major == 1 && has_token(fields, "Connection", "keep-alive");
}

}  // namespace badorigin::http
