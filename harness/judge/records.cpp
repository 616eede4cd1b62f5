#include "harness/judge/records.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "harness/judge/facts.h"
#include "harness/judge/record_parts.h"

namespace badorigin::judge {

namespace {

constexpr auto sorted_tags = [] {
    auto all = std::to_array<std::string_view>(
        {"Begin",        "BereqHeader",  "BereqMethod", "BereqProtocol", "BereqURL",   "BerespHeader", "BerespProtocol",
         "BerespReason", "BerespStatus", "End",         "Error",         "FetchError", "Length",       "Link",
         "ReqHeader",    "ReqMethod",    "ReqProtocol", "ReqStart",      "ReqURL",     "RespHeader",   "RespProtocol",
         "RespReason",   "RespStatus",   "SessClose",   "SessOpen",      "Timestamp",  "BackendOpen",  "BackendReuse",
         "BackendClose", "BogoHeader",   "Hit",         "ReqAcct",       "BereqAcct",  "Proxy"});
    std::ranges::sort(all);
    return all;
}();

}  // namespace

struct record_maker::state {
    explicit state(grouping how) : by_{how} {}

    std::vector<record_group> take(const capture::evidence& part) {
        evidence_ = &part;
        number();
        of_sessions_.clear();
        if (by_ != grouping::request)  // as in Varnish: a session belongs to no request
            for (const auto& c : part.connections)
                if (c->leg != capture::leg::origin) session(*c);
        if (by_ != grouping::session)
            for (const auto& t : part.transactions) t.client ? request(t, nullptr, 1) : unasked(t);
        std::ranges::stable_sort(groups_, {}, [](const record_group& g) { return g.records.empty() ? 0 : g.records.front().frame; });
        return std::exchange(groups_, {});
    }

    std::span<const transaction> transactions() const {
        return by_ == grouping::session ? std::span<const transaction>{of_sessions_} : std::span{evidence_->transactions};
    }

private:
    /// What came of a connection that is not over.
    struct open_session {
        std::vector<link> links;
        std::vector<transaction> transactions;  // under session
    };

    /// In the order in which things began on the wire; what no client asked for has none.
    void number() {
        struct begun {
            std::pair<frame_number, std::uint64_t> at;
            const capture::connection* session;
            const exchange* request;
        };
        std::vector<begun> order;
        const auto add = [&](const capture::connection& c) {
            if (c.leg != capture::leg::origin && ids_.of(c) == 0) order.push_back({{c.opened.number, c.id * 2}, &c, nullptr});
        };
        const auto place = [](const exchange& e) { return std::pair{begin_of(e).number, e.id * 2 + 1}; };
        for (const auto& c : evidence_->connections) add(*c);
        for (const auto& t : evidence_->transactions) {
            if (!t.client) continue;
            add(*t.client->on);
            order.push_back({place(*t.client), nullptr, t.client.get()});
            for (const auto& r : origin_requests(t))
                for (const auto& a : r.attempts) order.push_back({place(*r.attempts.front()), nullptr, a.get()});
        }
        std::ranges::stable_sort(order, {}, &begun::at);
        const begun* before = nullptr;
        for (const begun& one : order) {
            if (!before || before->at != one.at) ++last_id_;
            if (one.session) ids_.give(*one.session, last_id_);
            if (one.request) ids_.give(*one.request, last_id_);
            before = &one;
        }
        for (const auto& t : evidence_->transactions) {
            if (!t.client || by_ == grouping::request) continue;
            open_session& on = open_[t.client->on->id];
            on.links.push_back({ids_.of(t.client), begin_of(*t.client)});
            if (by_ == grouping::session) on.transactions.push_back(t);
        }
    }

    /// Closes a session: what was asked on it.
    open_session taken(const capture::connection& c) {
        auto found = open_.extract(c.id);
        return found ? std::move(found.mapped()) : open_session{};
    }

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
        const open_session on = taken(c);
        auto p = session_part(*evidence_, c, on.links, ids_);
        if (by_ != grouping::session) return put(std::move(p), nullptr, 1);
        record_group group{p.id, {}};
        put(std::move(p), &group, 1);
        for (const auto& t : on.transactions) request(t, &group, 2);
        groups_.push_back(std::move(group));
        std::ranges::copy(on.transactions, std::back_inserter(of_sessions_));
    }

    void request(const transaction& t, record_group* into, int level) {
        const auto asked = origin_requests(t);
        auto p = client_part(*evidence_, t, asked, ids_);
        const auto client = p.id;
        record_group own{client, {}};
        record_group* group = by_ == grouping::session ? into : by_ == grouping::request ? &own : nullptr;
        put(std::move(p), group, level);
        for (std::size_t i = 0; i < asked.size(); ++i)
            if (asked[i].why != origin_request::kind::retry) origin(asked, i, client, group, level + 1);
        if (by_ == grouping::request) groups_.push_back(std::move(own));
    }

    /// A request to an origin, and below it those that repeat it.
    void origin(const std::vector<origin_request>& asked, std::size_t which, std::uint32_t parent, record_group* group, int level) {
        auto p = origin_part(*evidence_, asked, which, parent, ids_);
        const auto id = p.id;
        put(std::move(p), group, level);
        for (std::size_t i = which + 1; i < asked.size(); ++i)
            if (asked[i].why == origin_request::kind::retry && asked[i].after == which) origin(asked, i, id, group, level + 1);
    }

    void unasked(const transaction& t) {
        if (by_ != grouping::raw) return;
        const auto asked = origin_requests(t);
        for (std::size_t i = 0; i < asked.size(); ++i) put(origin_part(*evidence_, asked, i, 0, ids_), nullptr, 0);
    }

    const capture::evidence* evidence_ = nullptr;  // the part
    grouping by_;
    log_ids ids_;
    std::uint32_t last_id_ = 0;
    std::unordered_map<std::uint64_t, open_session> open_;  // by the connection's id
    std::vector<transaction> of_sessions_;
    std::vector<record_group> groups_;
};

record_maker::record_maker(grouping by) : state_{std::make_unique<state>(by)} {}
record_maker::~record_maker() = default;
record_maker::record_maker(record_maker&&) noexcept = default;
record_maker& record_maker::operator=(record_maker&&) noexcept = default;

std::vector<record_group> record_maker::take(const capture::evidence& part) {
    return state_->take(part);
}

std::span<const capture::transaction> record_maker::transactions() const {
    return state_->transactions();
}

std::optional<grouping> grouping_named(std::string_view name) {
    if (name == "raw") return grouping::raw;
    if (name == "vxid") return grouping::vxid;
    if (name == "request") return grouping::request;
    if (name == "session") return grouping::session;
    return std::nullopt;
}

std::unordered_set<std::uint64_t> exchanges_in(std::span<const record_group> groups) {
    std::unordered_set<std::uint64_t> all;
    for (const auto& g : groups)
        for (const auto& r : g.records) all.insert(r.exchange);
    return all;
}

std::vector<record_group> group_records(const capture::evidence& evidence, grouping by) {
    return record_maker{by}.take(evidence);
}

std::span<const std::string_view> record_tags() {
    return sorted_tags;
}

}  // namespace badorigin::judge
