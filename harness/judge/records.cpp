#include "harness/judge/records.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "harness/judge/facts.h"

namespace badorigin::judge {

namespace {

// Tags are views of this table, so that records are cheap.
constexpr std::array<std::string_view, 31> tags{
    "Begin",        "BereqHeader",  "BereqMethod", "BereqProtocol", "BereqURL",   "BerespHeader", "BerespProtocol",
    "BerespReason", "BerespStatus", "End",         "Error",         "FetchError", "Length",       "Link",
    "ReqHeader",    "ReqMethod",    "ReqProtocol", "ReqStart",      "ReqURL",     "RespHeader",   "RespProtocol",
    "RespReason",   "RespStatus",   "SessClose",   "SessOpen",      "Timestamp",  "BackendOpen",  "BackendReuse",
    "BackendClose", "BogoHeader",   "Hit"};

constexpr auto sorted_tags = [] {
    auto all = tags;
    std::ranges::sort(all);
    return all;
}();

std::string_view tag(std::string_view name) {
    return *std::ranges::lower_bound(sorted_tags, name);
}

/// The records of one transaction in Varnish's sense: a session, a client request, or a request to an origin.
struct part {
    std::vector<record> records;
    std::uint32_t id = 0;
};

class writer {
public:
    writer(const capture::evidence& evidence, std::uint32_t id, char side, std::uint64_t connection, std::uint64_t exchange)
        : evidence_{evidence}, id_{id}, side_{side}, connection_{connection}, exchange_{exchange} {}

    void add(std::string_view name, std::string value, const frame_ref& at) {
        record r;
        r.tag = tag(name);
        r.value = std::move(value);
        r.id = id_;
        r.side = side_;
        r.connection = connection_;
        r.exchange = exchange_;
        r.frame = at.number;
        made_.records.push_back(std::move(r));
    }
    /// "Resp: CLOCK SINCE_FIRST SINCE_LAST", seconds
    void stamp(std::string_view event, const frame_ref& at) {
        if (!at) return;
        auto now = evidence_.clock_at(at);
        if (!first_) first_ = last_ = now;
        auto text = [](nanoseconds t) { return fmt::format("{:.6f}", std::chrono::duration<double>(t).count()); };
        add("Timestamp", fmt::format("{}: {} {} {}", event, text(now), text(now - *first_), text(now - *last_)), at);
        last_ = now;
    }
    void message(const capture::seen_message& m, bool origin) {
        const auto& it = m.message;
        bool request = it.side == http::direction::request;
        std::string prefix = origin ? request ? "Bereq" : "Beresp" : request ? "Req" : "Resp";
        auto protocol = fmt::format("HTTP/{}.{}", it.version.major, it.version.minor);
        if (request) {
            add(prefix + "Method", it.method, m.first);
            add(prefix + "URL", it.target, m.first);
            add(prefix + "Protocol", protocol, m.first);
        } else {
            add(prefix + "Protocol", protocol, m.first);
            add(prefix + "Status", fmt::format("{}", it.status), m.first);
            add(prefix + "Reason", it.reason, m.first);
        }
        for (const auto& f : it.fields) add(prefix + "Header", fmt::format("{}: {}", f.name, f.value), m.first);
        if (it.content_size > 0) add("Length", fmt::format("{}", it.content_size), m.last);
        for (const auto& a : it.anomalies) add("BogoHeader", fmt::format("{} at byte {}", http::name(a.what), a.offset), m.first);
    }
    part done() {
        made_.id = id_;
        return std::move(made_);
    }

private:
    const capture::evidence& evidence_;
    std::uint32_t id_;
    char side_;
    std::uint64_t connection_, exchange_;
    std::optional<nanoseconds> first_, last_;
    part made_;
};

/// Identifiers in the order in which things began on the wire; probes have none.
class numbering {
public:
    explicit numbering(const capture::evidence& evidence) {
        std::map<std::pair<frame_number, int>, const void*> order;
        for (const auto& c : evidence.connections)
            if (c->leg != capture::leg::origin) order[{c->opened.number, static_cast<int>(c->id) * 2}] = c.get();
        for (const auto& t : evidence.transactions) {
            if (!t.client) continue;
            order[{begin_of(*t.client).number, static_cast<int>(t.client->id) * 2 + 1}] = t.client.get();
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts) order[{begin_of(*a).number, static_cast<int>(a->id) * 2 + 1}] = a.get();
        }
        std::uint32_t next = 0;
        for (const auto& [at, what] : order) ids_.emplace(what, ++next);
    }
    std::uint32_t of(const void* what) const {
        auto at = ids_.find(what);
        return at == ids_.end() ? 0 : at->second;
    }

private:
    std::map<const void*, std::uint32_t> ids_;
};

std::string error_of(const exchange& e) {
    if (e.answered_whole()) return {};
    if (e.response) {
        for (const auto& a : e.response->message.anomalies) return std::string{http::name(a.what)};
        return e.gap ? std::string{} : "response not complete";
    }
    if (e.gap) return {};
    if (e.on && e.on->server_rst) return "connection reset before a response";
    if (e.on && e.on->server_fin) return "connection closed before a response";
    return "no response";
}

part client_part(const capture::evidence& evidence, const transaction& t, const numbering& ids) {
    const auto& e = *t.client;
    writer w{evidence, ids.of(&e), 'c', e.on->id, e.id};
    w.add("Begin", fmt::format("req {} rxreq", ids.of(e.on.get())), begin_of(e));
    w.stamp("Start", begin_of(e));
    w.add("ReqStart", fmt::format("{} {}", e.on->client.address.text(), e.on->client.port), begin_of(e));
    if (e.request) w.message(*e.request, false);
    for (const auto& f : t.fetches)
        for (std::size_t i = 0; i < f.attempts.size(); ++i)
            w.add("Link", fmt::format("bereq {} {}", ids.of(f.attempts[i].get()), i == 0 ? "fetch" : "retry"), begin_of(*f.attempts[i]));
    if (t.fetches.empty() && t.delivered_from && ids.of(t.delivered_from.get()))
        w.add("Hit", fmt::format("{}", ids.of(t.delivered_from.get())), begin_of(e));
    if (e.response) {
        w.stamp("Resp", e.response->first);
        w.message(*e.response, false);
    } else {
        w.add("Error", error_of(e), end_of(e));
    }
    w.add("End", "", end_of(e));
    return w.done();
}

part origin_part(const capture::evidence& evidence, const exchange& e, std::uint32_t parent, bool retry, std::uint32_t id) {
    writer w{evidence, id, 'b', e.on->id, e.id};
    if (id) w.add("Begin", fmt::format("bereq {} {}", parent, retry ? "retry" : "fetch"), begin_of(e));
    w.stamp("Start", begin_of(e));
    w.add(e.index > 0 ? "BackendReuse" : "BackendOpen",
          fmt::format("{} {} {} {}", e.on->id, origin_name(e), e.on->server.address.text(), e.on->server.port), begin_of(e));
    if (e.request) {
        w.message(*e.request, true);
        w.stamp("Bereq", e.request->last);
    }
    if (e.response) {
        w.stamp("Beresp", e.response->header_end);
        w.message(*e.response, true);
    }
    if (auto error = error_of(e); !error.empty()) w.add("FetchError", error, end_of(e));
    if (e.on->closed() && e.index + 1 >= e.on->exchanges) w.add("BackendClose", fmt::format("{} {}", e.on->id, origin_name(e)), e.on->last);
    if (id) w.add("End", "", end_of(e));
    return w.done();
}

part session_part(const capture::evidence& evidence, const capture::connection& c, const numbering& ids) {
    writer w{evidence, ids.of(&c), 'c', c.id, 0};
    w.add("Begin", "sess 0 HTTP/1", c.opened);
    w.add("SessOpen",
          fmt::format("{} {} {} {} {}", c.client.address.text(), c.client.port, c.server_name.empty() ? "a0" : c.server_name,
                      c.server.address.text(), c.server.port),
          c.opened);
    for (const auto& t : evidence.transactions)
        if (t.client && t.client->on.get() == &c) w.add("Link", fmt::format("req {} rxreq", ids.of(t.client.get())), begin_of(*t.client));
    if (c.closed()) {
        auto theirs = server_end(c), ours = client_end(c);
        bool by_client = ours && (!theirs || ours.number < theirs.number);
        w.add("SessClose", c.refused ? "REFUSED" : by_client ? "REM_CLOSE" : "RESP_CLOSE", c.last);
    }
    w.add("End", "", c.last);
    return w.done();
}

class grouper {
public:
    grouper(const capture::evidence& evidence, grouping by) : evidence_{evidence}, by_{by}, ids_{evidence} {}

    std::vector<record_group> all() {
        for (const auto& c : evidence_.connections)
            if (c->leg != capture::leg::origin) session(*c);
        if (by_ != grouping::session)
            for (const auto& t : evidence_.transactions) request(t, nullptr, 1);
        if (by_ == grouping::raw) probes();
        std::ranges::stable_sort(groups_, {}, [](const record_group& g) { return g.records.empty() ? 0 : g.records.front().frame; });
        return std::move(groups_);
    }

private:
    void put(part p, record_group* into, int level) {
        if (p.records.empty()) return;
        for (auto& r : p.records) r.level = by_ == grouping::raw ? 0 : by_ == grouping::vxid ? 1 : level;
        if (by_ == grouping::raw) {
            for (auto& r : p.records) groups_.push_back({r.id, {r}});
        } else if (into) {
            std::ranges::move(p.records, std::back_inserter(into->records));
        } else {
            groups_.push_back({p.id, std::move(p.records)});
        }
    }

    void session(const capture::connection& c) {
        auto p = session_part(evidence_, c, ids_);
        if (by_ == grouping::request) return;  // as in Varnish: a session belongs to no request
        if (by_ != grouping::session) return put(std::move(p), nullptr, 1);
        record_group group{p.id, {}};
        put(std::move(p), &group, 1);
        for (const auto& t : evidence_.transactions)
            if (t.client && t.client->on.get() == &c) request(t, &group, 2);
        groups_.push_back(std::move(group));
    }

    void request(const transaction& t, record_group* into, int level) {
        if (!t.client) return;
        auto p = client_part(evidence_, t, ids_);
        record_group own{p.id, {}};
        record_group* group = by_ == grouping::session ? into : by_ == grouping::request ? &own : nullptr;
        put(std::move(p), group, level);
        for (const auto& f : t.fetches)
            for (std::size_t i = 0; i < f.attempts.size(); ++i)
                put(origin_part(evidence_, *f.attempts[i], ids_.of(t.client.get()), i > 0, ids_.of(f.attempts[i].get())), group, level + 1);
        if (by_ == grouping::request) groups_.push_back(std::move(own));
    }

    void probes() {
        for (const auto& t : evidence_.transactions) {
            if (t.client) continue;
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts) put(origin_part(evidence_, *a, 0, false, 0), nullptr, 0);
        }
    }

    const capture::evidence& evidence_;
    grouping by_;
    numbering ids_;
    std::vector<record_group> groups_;
};

}  // namespace

std::optional<grouping> grouping_named(std::string_view name) {
    if (name == "raw") return grouping::raw;
    if (name == "vxid") return grouping::vxid;
    if (name == "request") return grouping::request;
    if (name == "session") return grouping::session;
    return std::nullopt;
}

std::string record_group::text() const {
    std::string all;
    std::uint32_t shown = 0;
    bool first = true;
    for (const auto& r : records) {
        if (r.level > 0 && (first || r.id != shown)) {
            auto what = r.tag == "Begin" ? r.value.substr(0, r.value.find(' ')) : std::string{};
            all +=
                fmt::format("{} << {} >> {}\n", std::string(static_cast<std::size_t>(r.level), '*'), what.empty() ? "request" : what, r.id);
            shown = r.id;
            first = false;
        }
        if (r.level > 0)
            all += fmt::format("{} {:<14} {}\n", std::string(static_cast<std::size_t>(r.level), '-'), r.tag, r.value);
        else
            all += fmt::format("{:>10} {:<14} {} {}\n", r.id, r.tag, r.side, r.value);
    }
    return all;
}

std::vector<record_group> group_records(const capture::evidence& evidence, grouping by) {
    return grouper{evidence, by}.all();
}

std::span<const std::string_view> record_tags() {
    return sorted_tags;
}

}  // namespace badorigin::judge
