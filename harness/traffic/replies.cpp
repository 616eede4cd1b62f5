#include "harness/traffic/replies.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "http/freshness.h"

namespace badorigin::traffic {

using capture::exchange;
using capture::frame_ref;
using http::anomaly;
using std::chrono::nanoseconds;

namespace {

bool one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::ranges::any_of(names, [&](auto other) { return http::same_name(name, other); });
}

/// How its connection ended, if its origin ended it.
struct ending {
    frame_ref at;  ///< number 0: the origin did not end it, or not first
    bool reset = false;
    std::string_view word() const { return reset ? "reset" : "close"; }
};

ending end_by_origin(const capture::connection& c) {
    const auto theirs = judge::server_end(c), ours = judge::client_end(c);
    if (!theirs || (ours && ours.number < theirs.number)) return {};
    return {theirs, c.server_rst && c.server_rst.number == theirs.number};
}

peers::fault named(std::string id) {
    peers::fault f;
    f.id = std::move(id);
    return f;
}

peers::fault named(std::string_view id, std::string_view text) {
    auto f = named(std::string{id});
    f.text = text;
    return f;
}

peers::fault cut(std::string_view how, std::uint64_t after) {
    auto f = named(fmt::format("{}-in-body", how));
    f.after = after;
    return f;
}

/// Two or more pieces with pauses between them; one pause only is a stall.
std::optional<peers::fault> slow_body(const capture::seen_message& m, const telling& about) {
    const auto took = about.clock.pause(m.header_end, m.last);
    if (took.count() == 0 || m.message.content_size == 0) return std::nullopt;
    const auto pieces =
        static_cast<std::int64_t>(std::ranges::count_if(m.frames, [&](auto number) { return number > m.header_end.number; }));
    if (pieces < 2) {
        auto stall = named("stall-in-body");
        stall.lasts = took;
        return stall;
    }
    auto drip = named("drip-body");
    drip.every = took / (pieces - 1);
    drip.size = (m.message.content_size + static_cast<std::uint64_t>(pieces) - 1) / static_cast<std::uint64_t>(pieces);
    return drip;
}

std::optional<peers::fault> broken_body(const exchange& e, const ending& end) {
    const auto& m = e.response->message;
    if (m.has(anomaly::bad_chunk_size)) return named("bad-chunk-size");
    if (m.has(anomaly::bad_chunk_end)) return named("bad-chunk-end");
    if (m.complete) return std::nullopt;
    if (!end.at) return cut("stall", m.content_size);
    if (m.framing == http::framing::chunked && !end.reset) return named("missing-last-chunk");
    return cut(end.word(), m.content_size);
}

std::optional<peers::fault> broken_header(const http::message& m) {
    for (const auto& f : m.fields) {
        if (const auto cr = f.value.find('\r'); cr != std::string::npos)
            return named("bare-cr-in-header", std::string_view{f.value}.substr(cr + 1));
        if (f.value.find('\0') != std::string::npos) return named("nul-in-header");
    }
    if (m.has(anomaly::bad_status_line)) return named("bad-status-line");
    if (m.has(anomaly::bad_version)) return named("wrong-version");
    if (m.status < 100 || m.status > 599) return named("status-out-of-range", fmt::format("{:03}", m.status));
    if (m.has(anomaly::conflicting_content_length)) return named("conflicting-lengths");
    if (m.has(anomaly::duplicate_content_length)) return named("duplicate-length");
    if (m.has(anomaly::bad_content_length)) return named("bad-length", m.field("Content-Length").value_or("-1"));
    if (m.has(anomaly::content_length_with_transfer_encoding)) return named("length-with-chunked");
    if (m.has(anomaly::unknown_transfer_coding)) return named("unknown-coding", m.field("Transfer-Encoding").value_or("badorigin"));
    if (m.has(anomaly::transfer_encoding_in_http_10)) return named("chunked-in-http-10");
    if (m.has(anomaly::obs_fold)) return named("obs-fold");
    if (m.has(anomaly::space_before_colon)) return named("space-before-colon");
    if (m.has(anomaly::bare_lf)) return named("bare-lf");
    return std::nullopt;
}

std::optional<peers::fault> after_response(const exchange& e, bool doubled, const ending& end, const telling& about) {
    const auto& m = e.response->message;
    if (doubled) return named("second-response");
    for (const auto& s : e.on->stray) {
        if (s.offset != m.end) continue;
        if (s.what == anomaly::body_on_bodiless) return named(m.status == 304 ? "body-on-304" : "wrong-length-for-head");
        if (s.what == anomaly::bytes_after_message) return named("bytes-after-message");
    }
    if (!m.persistent() || m.framing == http::framing::until_close || e.index + 1 < e.on->exchanges || !end.at ||
        end.at.number < e.response->last.number)
        return std::nullopt;
    auto idle = about.clock.pause(e.response->last, end.at);
    if (idle.count() == 0) return named(fmt::format("{}-after-response", end.word()));
    auto fault = named("close-idle-after");
    fault.lasts = idle;
    return fault;
}

std::optional<peers::fault> no_date(const http::message& m) {
    const auto date = m.field("Date");
    if (!date) return named("no-date");
    if (!http::parse_date(*date)) return named("bad-date", *date);
    return std::nullopt;
}

/// A date says something of the clock of then; a lifetime says the same now.
void add_expires(const http::message& m, std::string_view value, peers::field_lines& to) {
    const auto said = http::parse_cache_control(m.fields);
    if (said.max_age || said.s_maxage) return;
    const auto until = http::parse_date(value), from = http::parse_date(m.field("Date").value_or(""));
    if (!until) {
        to.emplace_back("Expires", std::string{value});
    } else if (from) {
        to.emplace_back("Cache-Control", fmt::format("max-age={}", std::max<std::int64_t>(0, (*until - *from).count())));
    }
}

peers::field_lines fields_of(const http::message& m, bool coded, telling& about) {
    static constexpr std::array<std::string_view, 14> noise{"Date",
                                                            "Content-Length",
                                                            "Server",
                                                            "X-Powered-By",
                                                            "X-Cache",
                                                            "X-Cache-Hits",
                                                            "X-Served-By",
                                                            "X-Timer",
                                                            "Strict-Transport-Security",
                                                            "Content-Security-Policy",
                                                            "Alt-Svc",
                                                            "NEL",
                                                            "Report-To",
                                                            "Server-Timing"};
    peers::field_lines out;
    if (auto options = connection_options(m.fields); !options.empty()) out.emplace_back("Connection", std::move(options));
    for (const auto& f : m.fields) {
        if (is_of_the_hop(f.name) || one_of(f.name, noise) || f.value.find_first_of(std::string_view{"\r\0", 2}) != std::string::npos)
            continue;
        if (http::same_name(f.name, "Content-Encoding") && !coded) continue;
        if (http::same_name(f.name, "Expires")) {
            add_expires(m, f.value, out);
        } else {
            out.emplace_back(f.name, about.hidden.field(f.name, f.value));
        }
    }
    return out;
}

void tell_unanswered(const exchange& e, const ending& end, const telling& about, peers::reply& out) {
    if (!end.at) {
        out.fault = named("stall-before-response");
        return;
    }
    const bool to_the_last = std::ranges::any_of(e.interim, [](const auto& i) { return i.message.status == 103; });
    if (to_the_last && !end.reset) {
        out.interim.clear();
        out.fault = named("interim-then-close");
        return;
    }
    const bool whole = e.request->message.complete && e.request->last.number < end.at.number;
    out.fault = named(fmt::format("{}-{}", end.word(), whole ? "before-response" : "on-request"));
    out.delay = whole ? about.clock.pause(e.request->last, end.at) : nanoseconds{0};
}

void tell_headerless(const http::message& m, const telling& about, peers::reply& out) {
    out.fault = named("headerless");
    if (m.content_start.size() == m.content_size && m.content_size <= 200) out.fault->text = about.hidden.body(m.content_start);
}

/// What was announced where less arrived; of an answer to HEAD, which has none, as well.
std::optional<std::uint64_t> announced(const exchange& e) {
    const auto& m = e.response->message;
    if (e.request->message.method == "HEAD") return m.declared_length;
    if (m.complete || m.framing != http::framing::length) return std::nullopt;
    return m.declared_length;
}

void tell_answered(const exchange& e, bool doubled, const ending& end, telling& about, peers::reply& out) {
    const auto& m = e.response->message;
    const bool sound = m.status >= 100 && m.status <= 599;
    out.status = sound ? m.status : 200;
    if (m.version == http::version{1, 0} && !m.has(anomaly::transfer_encoding_in_http_10)) out.version = "1.0";
    out.body = about.content.of(m, announced(e));
    out.body.chunked = m.framing == http::framing::chunked;
    if (out.version == "1.0" && m.framing == http::framing::until_close) out.body.chunked = true;  // so that no length is said
    out.fields = fields_of(m, out.body.kind != peers::content::kind::generated, about);
    const bool asked_to = http::has_token(e.request->message.fields, "Connection", "close");  // then the peer says so by itself
    out.close = !asked_to && out.version != "1.0" && (!m.persistent() || m.framing == http::framing::until_close);
    if (m.status == 304 && judge::is_conditional(e.request->message)) out.when = peers::condition::conditional_request;
    const auto& asked = e.request->message;
    const bool early = judge::has_body(asked) && (!asked.complete || e.response->first.number < e.request->last.number);
    if (early) {
        out.fault = named(end.reset ? "early-response-reset" : "early-response");
        out.close = false;
        return;
    }
    out.delay = about.clock.pause(e.request->last, e.response->first);
    out.fault = broken_header(m);
    if (!out.fault) out.fault = broken_body(e, end);
    if (!out.fault) out.fault = slow_body(*e.response, about);
    if (!out.fault) out.fault = after_response(e, doubled, end, about);
    if (!out.fault) out.fault = no_date(m);
    if (out.fault && out.fault->id != "no-date" && out.fault->id != "bad-date" && out.fault->id != "drip-body") out.close = false;
}

}  // namespace

std::string_view why_in_part(const exchange& e) {
    if (e.gap || (!e.answered_whole() && !e.on->holes.empty())) return "bytes of it are missing from the capture";
    if (!e.answered_whole() && !judge::client_end(*e.on) && !judge::server_end(*e.on)) return "the capture ends before it does";
    return {};
}

bool is_of_the_hop(std::string_view name) {
    static constexpr std::array<std::string_view, 19> names{"Connection", "Keep-Alive",       "Proxy-Connection",  "Transfer-Encoding",
                                                            "TE",         "Trailer",          "Upgrade",           "Via",
                                                            "Forwarded",  "X-Forwarded-For",  "X-Forwarded-Proto", "X-Real-IP",
                                                            "X-Varnish",  "X-Request-Id",     "X-Correlation-Id",  "traceparent",
                                                            "tracestate", "X-Forwarded-Host", "X-Forwarded-Port"};
    return one_of(name, names) || http::same_name(name.substr(0, 10), "Badorigin-");
}

std::string connection_options(const http::fields& all) {
    std::string out;
    for (auto value : http::values(all, "Connection")) {
        while (!value.empty()) {
            const auto comma = value.find(',');
            auto option = value.substr(0, comma);
            value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
            const auto begin = option.find_first_not_of(" \t");
            if (begin == std::string_view::npos) continue;
            option = option.substr(begin, option.find_last_not_of(" \t") - begin + 1);
            if (http::same_name(option, "close") || http::same_name(option, "keep-alive") || http::same_name(option, "upgrade")) continue;
            out += (out.empty() ? "" : ", ") + std::string{option};
        }
    }
    return out;
}

std::expected<peers::reply, std::string> reply_of(const exchange& e, bool doubled, telling& about) {
    if (!e.request || !e.request->message.header_complete) return std::unexpected("no whole request header reached the origin");
    if (const auto why = why_in_part(e); !why.empty()) return std::unexpected(std::string{why});
    peers::reply out;
    const bool asked_for_100 = http::has_token(e.request->message.fields, "Expect", "100-continue");
    for (const auto& i : e.interim)
        if (i.message.status != 100 || !asked_for_100) out.interim.push_back(i.message.status);
    const auto end = end_by_origin(*e.on);
    if (!e.response) {
        tell_unanswered(e, end, about, out);
        return out;
    }
    const auto& m = e.response->message;
    if (m.framing == http::framing::tunnel) return std::unexpected("the connection became a tunnel");
    if (m.framing == http::framing::headerless) {
        tell_headerless(m, about, out);
    } else if (m.has(anomaly::oversize_header)) {
        out.fault = named("huge-header");
    } else if (!m.header_complete) {
        out.fault = named(fmt::format("{}-in-header", end.at ? end.word() : "stall"));
    } else {
        tell_answered(e, doubled, end, about, out);
    }
    return out;
}

}  // namespace badorigin::traffic
