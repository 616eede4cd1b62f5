#include "capture/likeness.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "capture/ends.h"

namespace badorigin::capture {
namespace {

using namespace std::string_view_literals;

enum class meaning : std::uint8_t {
    handed_on,  // unchanged, by most proxies
    changed,    // of one hop, rewritten on the way, or made anew: says nothing about who asked
    host,
    trace,
    forwarded,
    forwarded_for,
    fetch_id,
};
struct known_field {
    std::string_view name;
    meaning what;
};
constexpr std::array known_fields = {
    known_field{"accept-encoding", meaning::changed},
    known_field{"cache-control", meaning::changed},
    known_field{"connection", meaning::changed},
    known_field{"content-length", meaning::changed},
    known_field{"expect", meaning::changed},
    known_field{"forwarded", meaning::forwarded},
    known_field{"host", meaning::host},
    known_field{"if-modified-since", meaning::changed},
    known_field{"if-none-match", meaning::changed},
    known_field{"if-range", meaning::changed},
    known_field{"keep-alive", meaning::changed},
    known_field{"pragma", meaning::changed},
    known_field{"proxy-connection", meaning::changed},
    known_field{"range", meaning::changed},
    known_field{"request-id", meaning::trace},
    known_field{"te", meaning::changed},
    known_field{"traceparent", meaning::trace},
    known_field{"trailer", meaning::changed},
    known_field{"transfer-encoding", meaning::changed},
    known_field{"uber-trace-id", meaning::trace},
    known_field{"upgrade", meaning::changed},
    known_field{"via", meaning::forwarded},
    known_field{"x-amzn-trace-id", meaning::trace},
    known_field{"x-b3-traceid", meaning::trace},
    known_field{"x-cloud-trace-context", meaning::trace},
    known_field{"x-correlation-id", meaning::trace},
    known_field{"x-forwarded-for", meaning::forwarded_for},
    known_field{"x-request-id", meaning::trace},
    known_field{"x-transaction-id", meaning::trace},
    known_field{"x-varnish", meaning::fetch_id},
};
static_assert(std::ranges::is_sorted(known_fields, {}, &known_field::name));

/// A field's name in lower case, as far as it may be a known one.
class lower {
public:
    explicit lower(std::string_view name) : size_(std::min(name.size(), text_.size())) {
        for (std::size_t i = 0; i < size_; ++i) text_[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] | 0x20) : name[i];
    }
    std::string_view text() const { return {text_.data(), size_}; }

private:
    std::array<char, 48> text_;
    std::size_t size_;
};

/// Most names are none of them, which mostly shows at a glance.
constexpr std::size_t at_a_glance(std::string_view name) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name[at]); };
    return (name.size() * 37 + byte(0) * 5u + byte(name.size() - 1) * 11u) % 256;
}
constexpr auto known_at_a_glance = [] {
    std::array<bool, 256> known{};
    for (const known_field& f : known_fields) known[at_a_glance(f.name)] = true;
    return known;
}();

known_field look_up(const lower& name) {
    if (name.text().empty() || !known_at_a_glance[at_a_glance(name.text())]) return {{}, meaning::handed_on};
    const auto at = std::ranges::lower_bound(known_fields, name.text(), {}, &known_field::name);
    return at != known_fields.end() && at->name == name.text() ? *at : known_field{{}, meaning::handed_on};
}

bool only_proxies_add(meaning what) {
    return what == meaning::forwarded || what == meaning::forwarded_for || what == meaning::fetch_id;
}

bool any_of_names(const auto& names, std::string_view name) {
    return std::ranges::any_of(names, [&](std::string_view n) { return n.size() == name.size() && http::same_name(n, name); });
}

std::uint64_t number_at(std::string_view& text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    std::uint64_t n = 0;
    const auto [to, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (wrong != std::errc()) return 0;
    text.remove_prefix(static_cast<std::size_t>(to - text.data()));
    return n;
}

varnish_ids ids_in(const http::message& m) {
    const auto value = m.field("X-Varnish");
    if (!value) return {};
    std::string_view rest = *value;
    varnish_ids ids;
    ids.own = number_at(rest);
    ids.fetched = number_at(rest);
    return ids;
}

}  // namespace

std::string_view path_of(const http::message& request) {
    std::string_view target = request.target;
    const auto scheme = target.find("://");
    if (target.starts_with('/') || scheme == target.npos) return target;
    const auto path = target.find('/', scheme + 3);
    return path == target.npos ? "/"sv : target.substr(path);
}

std::uint64_t request_key(const exchange& e) {
    if (!e.request || !e.request->message.header_complete) return 0;
    const http::message& m = e.request->message;
    return mix(hash_of(m.method == "HEAD" ? "GET"sv : std::string_view(m.method)), hash_of(path_of(m))) | 1;
}

bool is_safe(const http::message& request) {
    return any_of_names(std::array{"GET"sv, "HEAD"sv, "OPTIONS"sv, "TRACE"sv}, request.method);
}

varnish_ids ids_of_response(const exchange& e) {
    return e.response ? ids_in(e.response->message) : varnish_ids();
}

std::uint64_t id_of_request(const exchange& e) {
    return e.request ? ids_in(e.request->message).own : 0;
}

request_traits traits_of_request(const exchange& e) {
    request_traits found;
    found.key = request_key(e);
    if (found.key == 0) return found;
    found.handed_on.reserve(e.request->message.fields.size());
    for (const http::field& f : e.request->message.fields) {
        const lower name(f.name);
        const known_field known = look_up(name);
        found.forwarded = found.forwarded || only_proxies_add(known.what);
        switch (known.what) {
            case meaning::handed_on:
                found.handed_on.push_back(mix(hash_of(name.text()), hash_of(f.value)));
                break;
            case meaning::changed:
                break;
            case meaning::host:
                found.host = f.value;
                break;
            case meaning::trace:
                found.traces.push_back({known.name, f.value});
                if (known.name == "traceparent" && f.value.size() > 35) found.traces.back().value = std::string_view(f.value).substr(3, 32);
                break;
            case meaning::forwarded_for:
                found.forwarded_for = f.value;
                break;
            case meaning::forwarded:
                break;
            case meaning::fetch_id:
                found.id = id_of_request(e);
        }
    }
    std::ranges::sort(found.handed_on);
    for (const std::uint64_t field : found.handed_on) found.all_handed_on = mix(found.all_handed_on, field);
    return found;
}

bool forwarded_by_a_proxy(const http::message& request) {
    return std::ranges::any_of(request.fields, [](const http::field& f) { return only_proxies_add(look_up(lower(f.name)).what); });
}

bool answered_by_a_proxy(const http::message& response) {
    return std::ranges::any_of(response.fields, [](const http::field& f) {
        return any_of_names(std::array{"X-Varnish"sv, "Via"sv, "Age"sv, "X-Cache"sv}, f.name);
    });
}

bool answered_from_store(const exchange& e) {
    if (!e.response) return false;
    if (const auto ids = ids_of_response(e); ids.own != 0) return ids.fetched != 0;
    const auto age = e.response->message.field("Age");
    return age && *age != "0";
}

field_likeness compare_fields(const request_traits& client, const request_traits& origin) {
    field_likeness found;
    for (const std::uint64_t field : client.handed_on) ++(std::ranges::binary_search(origin.handed_on, field) ? found.same : found.unlike);
    return found;
}

body_likeness compare_bodies(const http::message& client, const http::message& origin) {
    const auto announced = [](const http::message& m) { return m.framing == http::framing::none ? 0 : m.declared_length; };
    if (client.complete && origin.complete && !client.gap && !origin.gap) {
        if (client.content_size != origin.content_size || client.content_hash != origin.content_hash) return body_likeness::unlike;
        return client.content_size > 0 ? body_likeness::same : body_likeness::unknown;
    }
    const auto a = announced(client), b = announced(origin);
    if (a && b) return *a == *b ? body_likeness::announced : body_likeness::unlike;
    return body_likeness::unknown;
}

std::uint64_t answer_key(const exchange& e) {
    if (!e.answered_whole()) return 0;
    const http::message& m = e.response->message;
    std::uint64_t key = mix(mix(m.content_hash, m.content_size), static_cast<std::uint64_t>(m.status));
    for (const std::string_view name : {"ETag"sv, "Date"sv}) {
        const auto value = m.field(name);
        key = mix(key, value ? hash_of(*value) : 0);
    }
    return key | 1;
}

}  // namespace badorigin::capture
