// One fetch in flight: which requests would share one stored response can be told only afterwards, from what came back. So a pair of
// overlapping fetches counts only where both responses could be stored, vary by nothing that differs, and neither client asked for anything
// special.
#include <algorithm>
#include <iterator>
#include <map>

#include "harness/judge/residence.h"
#include "harness/judge/rules/rule_base.h"
#include "http/freshness.h"

namespace badorigin::judge {

namespace {

class one_fetch_rule final : public rule_base {
public:
    one_fetch_rule() : rule_base{"one-fetch-in-flight"} {}

private:
    struct flight {
        exchange_ptr client, first, answered;
        frame_ref began, ended;
        std::string target, host;
        bool judged = false;
    };

    struct asker {
        exchange_ptr client;
        frame_number begin = 0, end = 0;
        frame_number latest_end = 0;  ///< of it and of all that began before it
    };

    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !is_plain(t.client->request->message)) return;
        const auto& client = *t.client;
        clients_[target_of(client.request->message)].push_back({t.client, begin_of(client).number, end_of(client).number, 0});
        for (const auto& f : t.fetches) {
            if (f.attempts.empty() || !f.attempts.front()->request) continue;
            const auto &first = f.attempts.front(), &end = f.attempts.back();
            if (!stored_afterwards(*end, t, about)) continue;
            flights_.push_back({t.client, first, end, begin_of(*first), end_of(*end), target_of(first->request->message),
                                host_of(first->request->message)});
        }
    }

    static bool is_plain(const http::message& m) {
        if (m.method != "GET" || !m.header_complete) return false;
        for (auto name : {"Authorization", "Cookie", "Cache-Control", "Pragma", "Range", "If-None-Match", "If-Modified-Since", "If-Match",
                          "If-Unmodified-Since"})
            if (m.field(name)) return false;
        return true;
    }

    static bool stored_afterwards(const exchange& e, const transaction& t, const matter& about) {
        if (!e.answered_whole() || (status_of(e) != 200 && status_of(e) != 304)) return false;
        const auto& m = e.response->message;
        if (m.field("Set-Cookie") || joined(m.fields, "Vary") == "*") return false;
        auto control = http::parse_cache_control(m.fields);
        if (control.no_cache || control.no_store || control.is_private) return false;
        if (status_of(e) == 200 && !http::storable(t.client->request->message, m)) return false;
        auto fresh_for = lifetime(about, e);
        return fresh_for && fresh_for->count() > 0;
    }

    static bool same_variant(const flight& a, const flight& b) {
        auto list = joined(a.answered->response->message.fields, "Vary") + "," + joined(b.answered->response->message.fields, "Vary");
        if (list == ",") return true;
        const auto &first = a.client->request->message.fields, &second = b.client->request->message.fields;
        auto alike = [&](const http::field& f) {
            return http::same_name(f.name, capture::token_field) || joined(second, f.name) == joined(first, f.name);
        };
        return std::ranges::all_of(first, alike) && std::ranges::all_of(second, alike);
    }

    /// A flight is judged when no part to come can hold another that begins within it.
    void part(const matter& about) override {
        for (auto& [target, all] : clients_) {
            std::ranges::stable_sort(all, {}, &asker::begin);
            frame_number latest = 0;
            for (auto& a : all) a.latest_end = latest = std::max(latest, a.end);
        }
        std::ranges::stable_sort(flights_, {}, [](const flight& f) { return f.began.number; });
        const auto to = about.evidence.seen_to;
        frame_number asked = to;
        for (std::size_t i = 0; i < flights_.size(); ++i) {
            auto& f = flights_[i];
            if (f.ended.number > to) asked = std::min(asked, begin_of(*f.client).number);
            if (f.judged || f.ended.number > to) continue;
            f.judged = true;
            meet_askers(f);
            for (std::size_t j = i + 1; j < flights_.size() && flights_[j].began.number < f.ended.number; ++j)
                judge_pair(f, flights_[j], about);
        }
        // one that is still open may meet those that began behind it
        flights_.erase(flights_.begin(), std::ranges::find(flights_, false, &flight::judged));
        for (auto& [target, all] : clients_) std::erase_if(all, [&](const asker& a) { return a.end <= asked; });
        std::erase_if(clients_, [](const auto& one) { return one.second.empty(); });
    }

    /// Who else asked for the same from the request on that caused the fetch until its end could have caused another, whether the first was
    /// on its way yet or not.
    void meet_askers(const flight& f) {
        const auto asked = begin_of(*f.client).number;
        const auto& all = clients_[target_of(f.client->request->message)];
        auto at = std::ranges::lower_bound(all, f.ended.number, {}, &asker::begin);
        while (at != all.begin() && std::prev(at)->latest_end > asked) {
            --at;
            if (at->client != f.client && at->end > asked) met(*at->client);
        }
    }

    void judge_pair(const flight& a, const flight& b, const matter& about) {
        if (a.target != b.target || a.host != b.host || !same_variant(a, b) || about.run.ban_between(a.began, b.began)) return;
        if (host_of(a.client->request->message) != host_of(b.client->request->message)) return;
        met(*b.first);
        violated(about.run.step_of(*b.client),
                 fmt::format("{} is fetched (frame {}) while the same is being fetched (frames {} to {})", request_line(*b.first),
                             b.began.number, a.began.number, a.ended.number),
                 {cite("the fetch in flight", *a.first), cite("the second fetch", *b.first)});
    }

    std::map<std::string, std::vector<asker>> clients_;  ///< by target
    std::vector<flight> flights_;
};

}  // namespace

std::unique_ptr<rule> one_fetch_in_flight() {
    return std::make_unique<one_fetch_rule>();
}

}  // namespace badorigin::judge
