#include "harness/judge/records.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

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
         "BackendClose", "BogoHeader",   "Hit",         "ReqAcct",       "BereqAcct"});
    std::ranges::sort(all);
    return all;
}();

class grouper {
public:
    grouper(const capture::evidence& evidence, grouping by) : evidence_{evidence}, by_{by} {
        for (const auto& t : evidence.transactions) {
            asked_.push_back(origin_requests(t));
            if (t.client) on_connection_[t.client->on.get()].push_back(&t);
        }
        number();
    }

    std::vector<record_group> all() {
        for (const auto& c : evidence_.connections)
            if (c->leg != capture::leg::origin) session(*c);
        if (by_ != grouping::session)
            for (const auto& t : evidence_.transactions) request(t, nullptr, 1);
        if (by_ == grouping::raw)
            for (const auto& t : evidence_.transactions)
                if (!t.client) unasked(t);
        std::ranges::stable_sort(groups_, {}, [](const record_group& g) { return g.records.empty() ? 0 : g.records.front().frame; });
        return std::move(groups_);
    }

private:
    const std::vector<origin_request>& asked_for(const transaction& t) const {
        return asked_[static_cast<std::size_t>(&t - evidence_.transactions.data())];
    }

    /// Identifiers in the order in which things began on the wire; what no client asked for has none.
    void number() {
        std::map<std::pair<frame_number, std::uint64_t>, std::vector<const void*>> order;
        for (const auto& c : evidence_.connections)
            if (c->leg != capture::leg::origin) order[{c->opened.number, c->id * 2}] = {c.get()};
        const auto place = [](const exchange& e) { return std::pair{begin_of(e).number, e.id * 2 + 1}; };
        for (const auto& t : evidence_.transactions) {
            if (!t.client) continue;
            order[place(*t.client)] = {t.client.get()};
            for (const auto& r : asked_for(t))
                for (const auto& a : r.attempts) order[place(*r.attempts.front())].push_back(a.get());
        }
        std::uint32_t next = 0;
        for (const auto& [at, of_one] : order) {
            ++next;
            for (const void* what : of_one) ids_.emplace(what, next);
        }
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
        if (by_ == grouping::request) return;  // as in Varnish: a session belongs to no request
        const auto found = on_connection_.find(&c);
        const auto on_it = found == on_connection_.end() ? std::span<const transaction* const>{} : std::span{found->second};
        auto p = session_part(evidence_, c, on_it, ids_);
        if (by_ != grouping::session) return put(std::move(p), nullptr, 1);
        record_group group{p.id, {}};
        put(std::move(p), &group, 1);
        for (const auto* t : on_it) request(*t, &group, 2);
        groups_.push_back(std::move(group));
    }

    void request(const transaction& t, record_group* into, int level) {
        if (!t.client) return;
        const auto& asked = asked_for(t);
        auto p = client_part(evidence_, t, asked, ids_);
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
        auto p = origin_part(evidence_, asked, which, parent, ids_);
        const auto id = p.id;
        put(std::move(p), group, level);
        for (std::size_t i = which + 1; i < asked.size(); ++i)
            if (asked[i].why == origin_request::kind::retry && asked[i].after == which) origin(asked, i, id, group, level + 1);
    }

    void unasked(const transaction& t) {
        const auto& asked = asked_for(t);
        for (std::size_t i = 0; i < asked.size(); ++i) put(origin_part(evidence_, asked, i, 0, ids_), nullptr, 0);
    }

    const capture::evidence& evidence_;
    grouping by_;
    std::vector<std::vector<origin_request>> asked_;  // by transaction
    std::unordered_map<const capture::connection*, std::vector<const transaction*>> on_connection_;
    ids_by_what ids_;
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

std::vector<record_group> group_records(const capture::evidence& evidence, grouping by) {
    return grouper{evidence, by}.all();
}

std::span<const std::string_view> record_tags() {
    return sorted_tags;
}

}  // namespace badorigin::judge
