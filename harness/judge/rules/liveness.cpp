// The proxy as a process: alive, answering, idle when it has nothing to do, and no larger afterwards than before.
#include <algorithm>

#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

using namespace std::chrono_literals;

/// CPU time tells nothing while requests are being served, so only spans of time with next to no traffic count; and nothing in virtual
/// time, where nobody waits: the harness asks the proxy all the while whether it is at rest, and how long that takes is the machine's
/// affair.
class cpu_rule final : public rule_base {
public:
    cpu_rule() : rule_base{"no-cpu-burnt"} {}

private:
    static constexpr double share_at_most = 0.5;
    static constexpr std::size_t exchanges_a_second = 50;

    void last(const matter& about) override {
        if (about.evidence.manifest.virtual_time) return;
        const auto& samples = about.evidence.vitals;
        for (std::size_t i = 0; i + 1 < samples.size(); ++i) {
            const auto &from = samples[i], &to = samples[i + 1];
            auto real = to.monotonic - from.monotonic;
            if (real < 1s || !to.alive ||
                exchanges_between(about, from.monotonic, to.monotonic) > exchanges_a_second * static_cast<std::size_t>(real / 1s))
                continue;
            met();
            double share = static_cast<double>((to.cpu - from.cpu).count()) / static_cast<double>(real.count());
            if (share <= share_at_most) continue;
            violated(to.step, fmt::format("{:.2f} of a core for {}, while next to nothing goes over the wire", share, seconds_text(real)),
                     {cite_vitals(from, to)})
                .needs_complete = true;  // with exchanges missing, the wire was busier than it looks
        }
    }

    static std::size_t exchanges_between(const matter& about, nanoseconds from, nanoseconds to) {
        auto start = std::ranges::find(about.evidence.markers, capture::marker::kind::start, &capture::marker::kind);
        if (start == about.evidence.markers.end()) return 0;
        return static_cast<std::size_t>(std::ranges::count_if(about.evidence.exchanges, [&](const exchange_ptr& e) {
            auto at = begin_of(*e).time - start->frame.time;
            return at >= from && at < to;
        }));
    }
};

class alive_rule final : public rule_base {
public:
    alive_rule() : rule_base{"alive-and-serving"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (t.client && t.client->answered()) met(*t.client);
        for (const auto& a : about.run.attempts(t)) {
            bool failed = !a->answered_whole() || status_of(*a) >= 500 ||
                          (status_of(*a) == 304 && a->request && !is_conditional(a->request->message));
            if (failed && (!fault_ || begin_of(*a).number < begin_of(*fault_).number)) fault_ = a;
        }
    }

    void last(const matter& about) override {
        auto died = std::ranges::find(about.evidence.vitals, false, &capture::vitals_sample::alive);
        auto citations = last_words(about, died);
        if (!about.evidence.manifest.proxy_crash.empty()) {
            violated({}, fmt::format("the proxy died: {}", about.evidence.manifest.proxy_crash), std::move(citations));
            return;
        }
        if (died != about.evidence.vitals.end()) {
            violated(died->step, fmt::format("the proxy was gone after this step: {}", died->exit), std::move(citations));
            return;
        }
        if (!about.evidence.vitals.empty()) met();
        const auto down = stopped(about);
        for (const auto& c : about.evidence.connections) {
            if (c->opened.number > down) break;
            if (c->leg != capture::leg::client || !c->refused || !fault_ || c->opened.number < begin_of(*fault_).number) continue;
            citations = {cite("the first failed origin exchange", *fault_)};
            citations.push_back({"refused connection on the client leg", c->id, 0, {c->opened.number}, 0, 0, {}});
            violated({},
                     fmt::format("the proxy refuses a client's connection (frame {}) after an origin failed (frame {})", c->opened.number,
                                 begin_of(*fault_).number),
                     std::move(citations));
            return;
        }
    }

    /// Where the harness took one of several proxies down.
    static frame_number stopped(const matter& about) {
        const auto note = std::ranges::find_if(about.evidence.markers, [&](const capture::marker& m) {
            return m.kind == capture::marker::kind::note && m.text == "stop " + about.evidence.of_proxy;
        });
        return note == about.evidence.markers.end() ? ~frame_number{0} : note->frame.number;
    }

    /// That it died is a fact of its own, whichever packets are missing: so it is told where to look, and nothing rests on that place.
    static citation clue(std::string what, const exchange& e) {
        citation c;
        c.what = std::move(what);
        c.detail = fmt::format("{} ({})", request_line(e), place_of(e));
        return c;
    }

    /// What the proxy was doing: the first failed origin exchange, or else the last exchange of all; and the vitals that miss it.
    std::vector<citation> last_words(const matter& about, std::vector<capture::vitals_sample>::const_iterator died) const {
        std::vector<citation> citations;
        if (fault_) {
            citations.push_back(clue("the first failed origin exchange", *fault_));
        } else if (auto last =
                       std::ranges::max_element(about.evidence.exchanges, {}, [](const exchange_ptr& e) { return begin_of(*e).number; });
                   last != about.evidence.exchanges.end()) {
            citations.push_back(clue("the last exchange", **last));
        }
        if (died != about.evidence.vitals.end() && died != about.evidence.vitals.begin())
            citations.push_back(cite_vitals(*std::prev(died), *died));
        return citations;
    }
    exchange_ptr fault_;
};

class left_behind_rule final : public rule_base {
public:
    left_behind_rule() : rule_base{"nothing-left-behind"} {}

private:
    /// Connections that were not closed before the last step was over, so that their descriptors were open on purpose when the last sample
    /// was taken.
    static std::uint64_t open_at_end(const matter& about) {
        frame_number over = 0;
        for (const auto& e : about.evidence.exchanges) over = std::max(over, end_of(*e).number);
        for (const auto& m : about.evidence.markers)
            if (m.kind != capture::marker::kind::stop) over = std::max(over, m.frame.number);
        return static_cast<std::uint64_t>(std::ranges::count_if(about.evidence.connections, [&](const auto& c) {
            auto client = client_end(*c), server = server_end(*c);
            return c->established && (!client || client.number > over) && (!server || server.number > over);
        }));
    }

    static constexpr std::uint64_t spare_descriptors = 8;
    static constexpr std::uint64_t spare_memory = 32u << 20;  // allocators, thread stacks, code that was not touched before

    void last(const matter& about) override {
        const auto& samples = about.evidence.vitals;
        if (samples.size() < 2 || !samples.back().alive) return;
        const auto &from = samples.front(), &to = samples.back();
        met();
        auto open = open_at_end(about);
        if (to.descriptors > from.descriptors + spare_descriptors + open)
            violated({},
                     fmt::format("{} descriptors more at the end than at the start, with {} connections open",
                                 to.descriptors - from.descriptors, open),
                     {cite_vitals(from, to)})
                .needs_complete = true;
        std::uint64_t carried = 0;
        for (const auto& c : about.evidence.connections) carried += c->request_bytes + c->response_bytes;
        if (to.resident_bytes > from.resident_bytes + spare_memory + 4 * carried)
            violated({},
                     fmt::format("{} bytes of memory more at the end than at the start, with {} bytes carried",
                                 to.resident_bytes - from.resident_bytes, carried),
                     {cite_vitals(from, to)})
                .needs_complete = true;
    }
};

class answered_rule final : public rule_base {
public:
    answered_rule() : rule_base{"answered-or-closed"} {}

private:
    static constexpr nanoseconds at_leisure = 60s;  ///< while an origin, or somebody else's fetch, is being waited for
    static constexpr nanoseconds at_once = 5s;

    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->request->message.header_complete || !t.client->request->message.complete) return;
        const auto& client = *t.client;
        const auto& run = about.run;
        met(client);
        auto answered = client.response ? client.response->first : server_end(*client.on);
        auto gave_up = client_end(*client.on);
        if (!answered && !client.interim.empty() && client.request->message.method == "CONNECT") return;
        if (gave_up && answered.number > gave_up.number) answered = {};
        const auto& attempts = run.attempts(t);
        auto ready = client.request->last;
        bool waiting = attempts.empty();
        for (const auto& a : attempts) {
            auto over = a->answered_whole() ? a->response->last : server_end(*a->on);
            if (!over)
                waiting = true;
            else if (over.number > ready.number)
                ready = over;
        }
        if (answered && about.made_elsewhere()) return;  // how long a proxy may take is its policy's affair
        const auto over = answered ? answered : gave_up ? gave_up : run.end();
        const auto until = answered || gave_up ? run.clock(over) : run.end_clock();
        waiting = waiting || connecting(about, ready, answered);
        if (answered && waiting) return;
        const auto waited = until - run.clock(ready);
        const auto at_most = waiting ? at_leisure : answered ? at_once + run.tolerance() : at_once;
        if (waited < at_most) return;
        violated_by({waited, at_most, ready, over}, about, run.step_of(client),
                    fmt::format("{} (frame {}) is {} {} after {}", request_line(client), begin_of(client).number,
                                answered ? "answered only" : "not answered, nor its connection closed,", seconds_text(waited),
                                waiting ? "it was sent" : fmt::format("the last origin was through with it (frame {})", ready.number)),
                    {cite("exchange on the client leg", client)})
            .needs_complete = !answered;
    }

    /// A connection to an origin that is not there yet when nothing else goes on.
    static bool connecting(const matter& about, const frame_ref& from, const frame_ref& to) {
        return std::ranges::any_of(about.evidence.connections, [&](const auto& c) {
            return c->leg == capture::leg::origin && !c->established && !c->refused && c->last.number >= from.number &&
                   (!to || c->opened.number < to.number);
        });
    }
};

}  // namespace

std::unique_ptr<rule> no_cpu_burnt() {
    return std::make_unique<cpu_rule>();
}
std::unique_ptr<rule> alive_and_serving() {
    return std::make_unique<alive_rule>();
}
std::unique_ptr<rule> nothing_left_behind() {
    return std::make_unique<left_behind_rule>();
}
std::unique_ptr<rule> answered_or_closed() {
    return std::make_unique<answered_rule>();
}

}  // namespace badorigin::judge
