#include "harness/judge/record_parts.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "harness/judge/facts.h"

namespace badorigin::judge {

namespace {

/// Tags are views of the one table, so that records are cheap.
std::string_view tag(std::string_view name) {
    return *std::ranges::lower_bound(record_tags(), name);
}

class writer {
public:
    writer(const capture::evidence& evidence, std::uint32_t id, char side, std::uint64_t connection, std::uint64_t exchange = 0)
        : evidence_{evidence}, side_{side}, connection_{connection}, exchange_{exchange} {
        made_.id = id;
    }
    /// The records that follow are of this exchange.
    void turn_to(const exchange& e) {
        connection_ = e.on->id;
        exchange_ = e.id;
    }
    void add(std::string_view name, std::string value, const frame_ref& at) {
        record r;
        r.tag = tag(name);
        r.value = std::move(value);
        r.id = made_.id;
        r.side = side_;
        r.connection = connection_;
        r.exchange = exchange_;
        r.frame = at.number;
        made_.records.push_back(std::move(r));
    }
    /// "Resp: EPOCH SINCE_FIRST SINCE_LAST", seconds; durations are of the run's clock, which may jump, the epoch is the packet's.
    void stamp(std::string_view event, const frame_ref& at) {
        if (!at) return;
        auto now = evidence_.clock_at(at);
        if (!first_) first_ = last_ = now;
        auto text = [](nanoseconds t) { return fmt::format("{:.6f}", std::chrono::duration<double>(t).count()); };
        auto micros = std::chrono::floor<std::chrono::microseconds>(at.time).count();
        add("Timestamp",
            fmt::format("{}: {}.{:06} {} {}", event, micros / 1'000'000, micros % 1'000'000, text(now - *first_), text(now - *last_)), at);
        last_ = now;
    }
    void message(const capture::seen_message& m, std::string_view prefix) {
        const auto& it = m.message;
        auto field = [&](std::string_view name, std::string value) { add(fmt::format("{}{}", prefix, name), std::move(value), m.first); };
        auto protocol = fmt::format("HTTP/{}.{}", it.version.major, it.version.minor);
        const bool response = it.side == http::direction::response;
        // As in Varnish, a response whose header is cut short is none: FetchError says what it was instead.
        const bool shown = !response || (it.header_complete && it.framing != http::framing::headerless);
        if (!response) {
            field("Method", it.method);
            field("URL", it.target);
            field("Protocol", protocol);
        } else if (shown) {
            field("Protocol", protocol);
            field("Status", fmt::format("{}", it.status));
            field("Reason", it.reason);
        }
        if (shown)
            for (const auto& f : it.fields) field("Header", fmt::format("{}: {}", f.name, f.value));
        anomalies(m);
    }
    void anomalies(const capture::seen_message& m) {
        for (const auto& a : m.message.anomalies) add("BogoHeader", fmt::format("{} at byte {}", http::name(a.what), a.offset), m.first);
    }
    /// Bytes of header, body and both, of the request and of the response, as they stood on the wire.
    void account(std::string_view name, const exchange& e) {
        auto of = [](const std::optional<capture::seen_message>& m) {
            if (!m) return std::string{"0 0 0"};
            auto from = m->message.begin, body = std::max(m->message.body_begin, from), to = std::max(m->message.end, body);
            return m->message.header_complete ? fmt::format("{} {} {}", body - from, to - body, to - from)
                                              : fmt::format("{0} 0 {0}", to - from);
        };
        add(name, of(e.request) + " " + of(e.response), end_of(e));
    }
    part done() { return std::move(made_); }

private:
    const capture::evidence& evidence_;
    char side_;
    std::uint64_t connection_, exchange_;
    std::optional<nanoseconds> first_, last_;
    part made_;
};

std::string error_of(const exchange& e) {
    if (e.response && e.response->message.framing == http::framing::headerless) return "response without a header";
    if (e.answered_whole() || e.gap) return {};
    if (e.response) {
        for (const auto& a : e.response->message.anomalies) return std::string{http::name(a.what)};
        return "response not complete";
    }
    if (e.on && e.on->server_rst) return "connection reset before a response";
    if (e.on && e.on->server_fin) return "connection closed before a response";
    return "no response";
}

void link_retries(writer& w, std::span<const origin_request> asked, std::size_t which, const log_ids& ids) {
    for (const auto& r : asked)
        if (r.why == origin_request::kind::retry && r.after == which)
            w.add("Link", fmt::format("bereq {} retry", ids.of(r.attempts.front())), begin_of(*r.attempts.front()));
}

void write_attempt(writer& w, const exchange& e, bool again) {
    w.turn_to(e);
    w.add(e.index > 0 ? "BackendReuse" : "BackendOpen",
          fmt::format("{} {} {} {} {} {} {}", e.on->id, e.on->server_name.empty() ? "origin" : origin_name(e), e.on->server.address.text(),
                      e.on->server.port, e.on->client.address.text(), e.on->client.port, e.index > 0 ? "reuse" : "connect"),
          begin_of(e));
    if (e.index == 0 && !e.on->proxy_header.empty()) w.add("Proxy", e.on->proxy_header, begin_of(e));
    if (e.request) {
        again ? w.anomalies(*e.request) : w.message(*e.request, "Bereq");
        w.stamp("Bereq", e.request->last);
    }
    if (e.response) {
        w.stamp("Beresp", e.response->header_end);
        w.message(*e.response, "Beresp");
    }
    if (auto error = error_of(e); !error.empty()) {
        w.add("FetchError", error, end_of(e));
        if (!e.answered()) w.stamp("Error", known_at(e));
    }
    if (e.on->closed() && e.index + 1 >= e.on->exchanges) w.add("BackendClose", fmt::format("{} {}", e.on->id, origin_name(e)), e.on->last);
    if (e.response && e.response->message.content_size > 0) {
        w.stamp("BerespBody", e.response->last);
        w.add("Length", fmt::format("{}", e.response->message.content_size), e.response->last);
    }
    w.account("BereqAcct", e);
}

}  // namespace

part client_part(const capture::evidence& evidence, const transaction& t, std::span<const origin_request> asked, const log_ids& ids) {
    const auto& e = *t.client;
    writer w{evidence, ids.of(e), 'c', e.on->id, e.id};
    w.add("Begin", fmt::format("req {} rxreq", ids.of(*e.on)), begin_of(e));
    w.stamp("Start", begin_of(e));
    w.add("ReqStart",
          fmt::format("{} {} {}", e.on->client.address.text(), e.on->client.port, e.on->server_name.empty() ? "a0" : e.on->server_name),
          begin_of(e));
    if (e.request) {
        w.stamp("Req", e.request->header_end);
        w.message(*e.request, "Req");
    }
    for (const auto& r : asked)
        if (r.why != origin_request::kind::retry)
            w.add("Link", fmt::format("bereq {} {}", ids.of(r.attempts.front()), name(r.why)), begin_of(*r.attempts.front()));
    const bool own = std::ranges::any_of(asked, [&](const origin_request& r) { return contains(r.attempts, t.delivered_from); });
    if (!own && ids.of(t.delivered_from)) w.add("Hit", fmt::format("{}", ids.of(t.delivered_from)), begin_of(e));
    if (e.response) {
        w.stamp("Process", e.response->first);
        w.message(*e.response, "Resp");
        w.stamp("Resp", e.response->last);
    } else if (auto error = error_of(e); !error.empty()) {
        w.add("Error", error, end_of(e));
    }
    w.account("ReqAcct", e);
    w.add("End", "", end_of(e));
    return w.done();
}

part origin_part(const capture::evidence& evidence, std::span<const origin_request> asked, std::size_t which, std::uint32_t parent,
                 const log_ids& ids) {
    const auto& r = asked[which];
    const auto &first = *r.attempts.front(), &last = *r.attempts.back();
    writer w{evidence, ids.of(first), 'b', first.on->id, first.id};
    if (parent) w.add("Begin", fmt::format("bereq {} {}", parent, name(r.why)), begin_of(first));
    w.stamp("Start", begin_of(first));
    for (const auto& attempt : r.attempts) write_attempt(w, *attempt, attempt != r.attempts.front());
    link_retries(w, asked, which, ids);
    if (parent) w.add("End", "", end_of(last));
    return w.done();
}

part session_part(const capture::evidence& evidence, const capture::connection& c, std::span<const link> on_it, const log_ids& ids) {
    writer w{evidence, ids.of(c), 'c', c.id};
    w.add("Begin", "sess 0 HTTP/1", c.opened);
    w.add("SessOpen",
          fmt::format("{} {} {} {} {}", c.client.address.text(), c.client.port, c.server_name.empty() ? "a0" : c.server_name,
                      c.server.address.text(), c.server.port),
          c.opened);
    if (!c.proxy_header.empty()) w.add("Proxy", c.proxy_header, c.opened);
    for (const link& to : on_it) w.add("Link", fmt::format("req {} rxreq", to.id), to.at);
    if (c.closed()) {
        auto theirs = server_end(c), ours = client_end(c);
        bool by_client = ours && (!theirs || ours.number < theirs.number);
        w.add("SessClose", c.refused ? "REFUSED" : by_client ? "REM_CLOSE" : "RESP_CLOSE", c.last);
    }
    w.add("End", "", c.last);
    return w.done();
}

}  // namespace badorigin::judge
