#include "proxy-under-test/cache/fields.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/vcl/reason_phrase.h"

namespace badorigin::cache {

namespace {
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void write_fields(std::string& out, const field_list& fields) {
    auto size = out.size() + 2;
    for (const auto& [name, value] : fields) size += name.size() + value.size() + 4;
    out.reserve(size);
    for (const auto& [name, value] : fields) out.append(name).append(": ").append(value).append("\r\n");
    out += "\r\n";
}
}  // namespace

bool same_but_for_case(std::string_view a, std::string_view b) {
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
    return true;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = lower(c);
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> list_elements(std::string_view value) {
    std::vector<std::string_view> out;
    bool quoted = false;
    std::size_t start = 0;
    const auto take = [&](std::size_t end) {
        if (const auto element = trimmed(value.substr(start, end - start)); !element.empty()) out.push_back(element);
    };
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\\' && quoted) {
            ++i;
        } else if (value[i] == '"') {
            quoted = !quoted;
        } else if (value[i] == ',' && !quoted) {
            take(i);
            start = i + 1;
        }
    }
    take(value.size());
    return out;
}

const std::string* field_list::find(std::string_view name) const {
    const auto found = std::ranges::find_if(fields_, [&](const field& f) { return same_name(f.name, name); });
    return found == fields_.end() ? nullptr : &found->value;
}

std::string_view field_list::value(std::string_view name) const {
    const auto* found = find(name);
    return found ? std::string_view(*found) : std::string_view();
}

std::string field_list::joined(std::string_view name, std::string_view separator) const {
    std::string out;
    for (const auto& f : fields_) {
        if (!same_name(f.name, name)) continue;
        if (!out.empty()) out += separator;
        out += f.value;
    }
    return out;
}

bool field_list::has_element(std::string_view name, std::string_view element) const {
    if (!has(name)) return false;
    const auto all = joined(name);
    return std::ranges::any_of(list_elements(all), [&](std::string_view e) { return same_name(e, element); });
}

void field_list::append(std::string_view name, std::string_view value) {
    constexpr std::size_t usual = 12;
    if (fields_.empty()) fields_.reserve(usual);
    fields_.emplace_back(std::string(name), std::string(value));
}

void field_list::set(std::string_view name, std::string_view value) {
    const auto named = [&](const field& f) { return same_name(f.name, name); };
    const auto first = std::ranges::find_if(fields_, named);
    if (first == fields_.end()) return append(name, value);
    first->name = name;
    first->value = value;
    fields_.erase(std::remove_if(std::next(first), fields_.end(), named), fields_.end());
}

void field_list::remove(std::string_view name) {
    std::erase_if(fields_, [&](const field& f) { return same_name(f.name, name); });
}

void field_list::remove(std::span<const std::string_view> names) {
    std::erase_if(fields_, [&](const field& f) {
        return std::ranges::any_of(names, [&](std::string_view name) { return same_name(f.name, name); });
    });
}

field_list field_list::with_room_for(std::size_t more) const {
    field_list out;
    out.fields_.reserve(fields_.size() + more);
    out.fields_.insert(out.fields_.end(), fields_.begin(), fields_.end());
    return out;
}

std::string_view version_text(int version) {
    return version == 10 ? "HTTP/1.0" : "HTTP/1.1";
}

std::string as_chunk(std::string_view content) {
    return fmt::format("{:x}\r\n{}\r\n", content.size(), content);
}

std::string last_chunk(const field_list& trailers) {
    std::string out = "0\r\n";
    write_fields(out, trailers);
    return out;
}

std::string to_wire(const request_head& head) {
    auto out = head.method + ' ' + head.target + ' ' + std::string(version_text(head.version)) + "\r\n";
    write_fields(out, head.fields);
    return out;
}

std::string to_wire(const response_head& head) {
    auto out = std::string(version_text(head.version)) + ' ' + std::to_string(head.status) + ' ' + head.reason + "\r\n";
    write_fields(out, head.fields);
    return out;
}

std::string_view standard_reason(int status) {
    return vcl::reason_phrase(status);
}

bool persists(int version, const field_list& fields) {
    if (fields.has_element("Connection", "close")) return false;
    return version >= 11 || fields.has_element("Connection", "keep-alive");
}

namespace {
/// Removes the fields that Connection names; what it names besides, its own options, is returned.
std::string take_nominated(field_list& fields) {
    const auto connection = fields.joined("Connection");
    std::string options;
    for (const auto named : list_elements(connection)) {
        if (same_name(named, "close") || same_name(named, "keep-alive") || same_name(named, "upgrade")) {
            options.append(options.empty() ? "" : ", ").append(named);
        } else if (!same_name(named, "Host") && !same_name(named, "Content-Length") && !same_name(named, "Transfer-Encoding")) {
            fields.remove(named);
        }
    }
    return options;
}
}  // namespace

void remove_nominated(field_list& fields) {
    if (!fields.has("Connection") || planted(bug::forward_hop_by_hop)) return;
    fields.set("Connection", take_nominated(fields));
}

void remove_hop_by_hop(field_list& fields) {
    if (planted(bug::forward_hop_by_hop)) return;
    static constexpr auto customary =
        std::to_array<std::string_view>({"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
                                         "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"});
    take_nominated(fields);
    fields.remove(customary);
}

bool may_be_trailer(std::string_view name, const field_list& header) {
    static constexpr std::string_view forbidden =
        " connection content-length http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade"  // framing
        " forwarded host max-forwards via x-forwarded-for x-forwarded-host x-forwarded-proto"                         // routing
        " expect if-match if-modified-since if-none-match if-range if-unmodified-since range"                         // modifiers
        " authorization cookie proxy-authenticate proxy-authentication-info proxy-authorization set-cookie www-authenticate"
        " age cache-control cdn-cache-control date expires location pragma retry-after vary warning"  // control
        " content-encoding content-range content-type ";                                              // content
    return !forbidden.contains(' ' + lower(name) + ' ') && !header.has_element("Connection", name);
}

std::string announced_trailers(const field_list& header) {
    std::string out;
    if (!header.has("Trailer") || header.has_element("Connection", "Trailer")) return out;
    const auto announced = header.joined("Trailer");
    for (const auto name : list_elements(announced)) {
        if (may_be_trailer(name, header)) out.append(out.empty() ? "" : ", ").append(name);
    }
    return out;
}

void update_stored_fields(field_list& stored, const field_list& brought) {
    const auto stays = [](std::string_view name) {
        return same_name(name, "Content-Length") || same_name(name, "Content-Encoding") || same_name(name, "Content-Range");
    };
    stored.remove("Age");
    for (const auto& [name, value] : brought) {
        if (!stays(name)) stored.remove(name);
    }
    for (const auto& [name, value] : brought) {
        if (!stays(name)) stored.append(name, value);
    }
}

bool is_idempotent(std::string_view method) {
    static constexpr auto idempotent = std::to_array<std::string_view>({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"});
    return std::ranges::find(idempotent, method) != idempotent.end();
}

}  // namespace badorigin::cache
