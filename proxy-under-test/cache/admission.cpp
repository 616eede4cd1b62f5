#include "proxy-under-test/cache/admission.h"

#include <algorithm>
#include <array>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr std::size_t most_head_bytes = 64 * 1024;
constexpr std::string_view long_start_line = "a start line of more than 64 KiB",
                           long_head = "a head or trailer section of more than 64 KiB";

/// A set of octets that is asked for each octet of a head.
class octets {
public:
    constexpr octets(bool (*belongs)(unsigned char)) {
        for (std::size_t c = 0; c < 256; ++c) in_[c] = belongs(static_cast<unsigned char>(c));
    }
    constexpr bool operator()(char c) const { return in_[static_cast<unsigned char>(c)]; }

private:
    std::array<bool, 256> in_{};
};
constexpr octets is_token_char([](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
});
constexpr octets is_control([](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });

struct line {
    std::string_view name, value, whole;  ///< whole: with its CRLF
};

std::expected<line, std::string> read_line(std::string_view whole) {
    const auto text = whole.substr(0, whole.size() - 2);
    if (text.front() == ' ' || text.front() == '\t') return std::unexpected("obs-fold");
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::unexpected("a field line without colon");
    const auto name = text.substr(0, colon);
    if (!name.empty() && (name.back() == ' ' || name.back() == '\t')) return std::unexpected("white space before the colon");
    if (name.empty() || !std::ranges::all_of(name, is_token_char)) return std::unexpected("a field name that is no token");
    return line{name, trimmed(text.substr(colon + 1)), whole};
}

/// The lines from `at` on, up to the empty one.
std::expected<std::vector<line>, std::string> read_lines(std::string_view text, std::size_t at) {
    std::vector<line> out;
    out.reserve(16);
    while (at + 2 < text.size()) {
        const auto end = text.find("\r\n", at) + 2;
        auto read = read_line(text.substr(at, end - at));
        if (!read) return std::unexpected(read.error());
        out.push_back(*read);
        at = end;
    }
    return out;
}

/// uri-host [":" port], read strictly enough that no other reader finds another host in it; empty is allowed where the target has none.
bool is_host(std::string_view text) {
    const auto bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return false;
    const auto colon = text.find(':', bracket);
    const auto port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    const auto name = text.substr(0, colon);
    const auto allowed = [](char c) { return is_token_char(c) || std::string_view("[]:()=;$").contains(c); };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return std::ranges::all_of(name, allowed) && std::ranges::all_of(port, digit) && port.size() <= 5 && (colon != 0);
}

/// RFC 9112 3.2: origin-form, absolute-form of http, authority-form of CONNECT, asterisk-form of OPTIONS. User information is refused
/// (RFC 9110 4.2.4), and what an absolute target names must be what Host must be.
std::optional<std::string> target_refused(std::string_view method, std::string_view target) {
    constexpr std::string_view scheme = "http://", malformed = "a malformed request target";
    const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
    if (!std::ranges::all_of(target, visible)) return std::string(malformed);
    if (target.starts_with('/')) return std::nullopt;
    if (method == "CONNECT" || (method == "OPTIONS" && target == "*")) return std::nullopt;
    if (!same_name(target.substr(0, scheme.size()), scheme)) return std::string(malformed);
    const auto authority = target.substr(scheme.size(), target.find_first_of("/?", scheme.size()) - scheme.size());
    if (authority.empty() || !is_host(authority)) return "a malformed host in the request target";
    return std::nullopt;
}

std::optional<std::string> framing_refused(const std::vector<const line*>& lengths, const std::vector<const line*>& codings,
                                           bool http_1_0) {
    if (lengths.size() > 1) return "several Content-Length fields";
    for (const auto* length : lengths) {
        const bool digits = !length->value.empty() && std::ranges::all_of(length->value, [](char c) { return c >= '0' && c <= '9'; });
        if (!digits || length->value.size() > 18) return "a Content-Length that is no number";
    }
    if (codings.empty()) return std::nullopt;
    if (codings.size() > 1 || !same_name(codings.front()->value, "chunked")) return "a transfer coding that is not implemented";
    if (http_1_0) return "Transfer-Encoding in HTTP/1.0";
    if (!lengths.empty()) return "Content-Length beside Transfer-Encoding";
    return std::nullopt;
}

/// For the parser: a later HTTP/1.x is read as 1.1 (RFC 9110 2.5), and a status line may end behind its status (RFC 9112 4).
void normalize_start_line(std::string& head, std::string_view start_line, side of) {
    const auto minor = of == side::request ? start_line.size() - 1 : 7;
    if (of == side::response && start_line.size() == 12) head.insert(12, 1, ' ');
    if (start_line.size() > minor && start_line[minor] > '1') head[minor] = '1';
}

void drop(std::string& head, const line& which) {
    const auto at = head.find(which.whole);
    head.erase(at, which.whole.size());
}
}  // namespace

head_collector head_collector::of_trailers() {
    head_collector out(side::response);
    out.text_ = "\r\n";  // of the line before
    out.first_line_seen_ = true;
    return out;
}

std::expected<std::size_t, std::string> head_collector::put(std::string_view bytes) {
    for (std::size_t used = 0; used < bytes.size();) {
        const auto rest = bytes.substr(used);
        if (rest.starts_with("\r\n") && !text_.ends_with('\r')) {
            if (auto refused = add(rest.substr(0, 2))) return std::unexpected(std::move(*refused));
            used += 2;
            if (complete_) return used;
            continue;
        }
        const auto plain =
            text_.ends_with('\r') ? rest.substr(0, 0) : rest.substr(0, std::ranges::find_if(rest, is_control) - rest.begin());
        if (!plain.empty()) {
            if (auto refused = add(plain)) return std::unexpected(std::move(*refused));
            used += plain.size();
            continue;
        }
        char c = rest.front();
        const bool bare = text_.ends_with('\r') && c != '\n';
        if (bare && !planted(bug::accept_bare_cr)) return std::unexpected("bare CR");
        if (bare) {
            c = '\n';  // and this octet once more, as the first of the next line
        } else {
            ++used;
        }
        if (c == '\n' && !text_.ends_with('\r')) return std::unexpected("bare LF");
        if (c != '\r' && c != '\n') return std::unexpected("a control character");
        if (auto refused = add({&c, 1})) return std::unexpected(std::move(*refused));
        if (complete_) return used;
    }
    return bytes.size();
}

/// CR, LF, or octets of a line.
std::optional<std::string> head_collector::add(std::string_view octets) {
    text_ += octets;
    if (side_ == side::request && text_ == "\r\n") text_.clear();  // RFC 9112 2.2: an empty line before the request is ignored
    if (!first_line_seen_) {
        if (auto refused = start_line_refused()) return refused;
        first_line_seen_ = text_.ends_with("\r\n");
    }
    complete_ = text_.ends_with("\r\n\r\n");
    if (text_.size() > most_head_bytes) return std::string(first_line_seen_ ? long_head : long_start_line);
    return std::nullopt;
}

std::optional<std::string> head_collector::start_line_refused() {
    constexpr std::string_view version = "HTTP/1.";
    if (side_ == side::response) {
        const auto common = std::min(text_.size(), version.size());
        if (text_.compare(0, common, version, 0, common) != 0) return "no status line";
        return std::nullopt;
    }
    if (!text_.ends_with("\r\n")) return std::nullopt;
    const std::string_view start_line = std::string_view(text_).substr(0, text_.size() - 2);
    const auto first_blank = start_line.find(' '), last_blank = start_line.rfind(' ');
    if (!std::ranges::all_of(start_line.substr(0, first_blank), is_token_char) || first_blank == 0) return "a method that is no token";
    if (last_blank == std::string_view::npos || first_blank == last_blank) {
        if (last_blank == std::string_view::npos || !planted(bug::serve_http_0_9)) return "no HTTP version in the request line";
        text_.replace(text_.size() - 2, 2, " HTTP/1.0\r\n\r\n");
        return std::nullopt;
    }
    const auto stated = start_line.substr(last_blank + 1);
    const bool digit = stated.size() == version.size() + 1 && stated.back() >= '0' && stated.back() <= '9';
    if (!digit || !stated.starts_with(version)) return "an HTTP version that is not 1.x";
    const auto target = start_line.substr(first_blank + 1, last_blank - first_blank - 1);
    if (target.empty() || target.find(' ') != std::string_view::npos) return "white space in the request line";
    return target_refused(start_line.substr(0, first_blank), target);
}

int refusal_status(std::string_view wrong) {
    if (wrong == long_start_line) return 414;  // RFC 9112 3
    return wrong == long_head ? 431 : 400;     // RFC 6585 5
}

std::expected<admitted_head, std::string> admit(std::string head, side of) {
    const std::string original = head;
    const std::string_view view = original;
    const auto start_line = view.substr(0, view.find("\r\n"));
    const bool http_1_0 = of == side::request ? start_line.ends_with("HTTP/1.0") : start_line.starts_with("HTTP/1.0");

    const auto read = read_lines(view, start_line.size() + 2);
    if (!read) return std::unexpected(read.error());
    const auto& lines = *read;
    const auto named = [&](std::string_view name) {
        std::vector<const line*> out;
        for (const auto& l : lines) {
            if (same_name(l.name, name)) out.push_back(&l);
        }
        return out;
    };

    if (of == side::request) {
        const auto hosts = named("Host");
        if (hosts.size() > 1) return std::unexpected("several Host fields");
        if (hosts.empty() && !http_1_0) return std::unexpected("no Host field");
        if (!hosts.empty() && !is_host(hosts.front()->value)) return std::unexpected("a malformed Host");
    }

    admitted_head out{std::move(head), {}};
    normalize_start_line(out.text, start_line, of);
    auto lengths = named("Content-Length");
    const auto codings = named("Transfer-Encoding");
    if (lengths.size() > 1 && planted(bug::accept_several_content_length)) {
        while (lengths.size() > 1) {
            drop(out.text, *lengths.front());
            lengths.erase(lengths.begin());
        }
    }
    if (!lengths.empty() && !codings.empty() && planted(bug::forward_content_length_with_transfer_encoding)) {
        for (const auto* length : lengths) {
            drop(out.text, *length);
            out.restored.push_back({std::string(length->name), std::string(length->value)});
        }
        lengths.clear();
    }
    if (auto refused = framing_refused(lengths, codings, http_1_0)) return std::unexpected(std::move(*refused));
    return out;
}

std::expected<std::vector<field>, std::string> admit_trailers(std::string_view section) {
    const auto lines = read_lines(section, 2);
    if (!lines) return std::unexpected(lines.error());
    std::vector<field> out;
    for (const auto& each : *lines) out.push_back({std::string(each.name), std::string(each.value)});
    return out;
}

}  // namespace badorigin::cache
