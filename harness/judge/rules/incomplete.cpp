#include <algorithm>
#include <unordered_map>

#include "harness/judge/residence.h"
#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

using namespace std::chrono_literals;
using http::anomaly;

std::optional<anomaly> breaks(const http::message& m) {
    for (auto what : {anomaly::missing_status_line, anomaly::bad_status_line, anomaly::bytes_after_message, anomaly::body_on_bodiless,
                      anomaly::conflicting_content_length, anomaly::bad_content_length, anomaly::bad_chunk_size, anomaly::bad_chunk_end,
                      anomaly::oversize_header, anomaly::truncated_header, anomaly::truncated_body})
        if (m.has(what)) return what;
    return std::nullopt;
}

/// What it answers may well have been asked, where the capture does not show it. (A staged run lacks nothing: a hole there is a doubt.)
bool asked_unseen(const exchange& e, const matter& about) {
    return begun_unseen(e) || (about.made_elsewhere() && !e.request && e.gap);
}

class broken_reuse_rule final : public rule_base {
public:
    broken_reuse_rule() : rule_base{"nothing-of-broken-reused"} {}

private:
    struct wreck {
        std::string why;
        exchange_ptr in;
    };
    void part(const matter& about) override {
        for (const auto& e : about.evidence.exchanges) {
            if (!e->on) continue;
            if (e->leg() == capture::leg::client && e->response) note_answered(e);
            if (is_origin_leg(*e))
                origin_side(e, about);
            else if (e->leg() == capture::leg::client && !e->request && e->answered() && status_of(*e) != 408 && status_of(*e) != 400 &&
                     !asked_unseen(*e, about)) {
                met(*e);
                violated({}, fmt::format("a response that nobody asked for reaches the client ({})", place_of(*e)),
                         {cite_response("response without a request", *e)});
            }
        }
        for (const auto& c : about.evidence.connections) {
            stray_bytes(*c, about);
            answered_.erase(c->id);
            broken_.erase(c->id);
        }
    }

    /// Bytes that belong to no message may come long after the response that they are behind: of each open connection the last one is
    /// known, and where there are such bytes all from there on.
    void note_answered(const exchange_ptr& e) {
        auto& answered = answered_[e->on->id];
        if (e->on->stray.empty()) answered.clear();
        answered.push_back(e);
    }

    void origin_side(const exchange_ptr& of, const matter& about) {
        const auto& e = *of;
        auto at = broken_.find(e.on->id);
        if (at != broken_.end() && e.request) {
            violated(about.run.step_of(e),
                     fmt::format("{} (frame {}) goes over connection {} after {}", request_line(e), begin_of(e).number, e.on->id,
                                 at->second.why),
                     {cite("the broken exchange", *at->second.in), cite("the exchange after it", e)});
            if (about.made_elsewhere()) broken_.erase(at);  // said once a connection, which may carry thousands
            return;
        }
        std::string why = what_broke(e, about);
        if (why.empty()) return;
        met(e);
        broken_[e.on->id] = {std::move(why), of};
    }

    static std::string what_broke(const exchange& e, const matter& about) {
        if (asked_unseen(e, about)) return {};
        if (!e.request) return "a response that nobody asked for";
        if (e.response && !e.response->message.gap)
            if (auto what = breaks(e.response->message))
                return fmt::format("a broken response ({}, frame {})", http::name(*what), e.response->first.number);
        if (!e.request->message.complete && !e.request->message.gap && e.request->message.has(anomaly::truncated_body))
            return "a request that was not finished";
        // bytes that belong to no message right behind this response
        if (e.response && e.response->message.complete)
            for (const auto& s : e.on->stray)
                if (s.what == anomaly::bytes_after_message && s.offset == e.response->message.end)
                    return fmt::format("bytes that belong to no message, behind frame {}", e.response->last.number);
        return {};
    }

    /// A stray's offset does not say its direction: one of the proxy's own begins where a response ended.
    void stray_bytes(const capture::connection& c, const matter& about) {
        if (c.stray.empty() || !c.complete_start) return;
        met();
        if (c.leg != capture::leg::client) return;
        for (const auto& e : answered_[c.id]) {
            for (const auto& s : c.stray) {
                if (s.offset != e->response->message.end || (e->request && s.offset == e->request->message.end)) continue;
                citation where{"bytes that belong to no message", c.id, e->id, {e->response->last.number}, s.offset, s.offset + 1, {}};
                violated(about.run.step_of(*e),
                         fmt::format("bytes that belong to no message reach the client behind frame {} ({})", e->response->last.number,
                                     http::name(s.what)),
                         {std::move(where)});
                return;
            }
        }
    }

    std::unordered_map<std::uint64_t, wreck> broken_;                        ///< by connection
    std::unordered_map<std::uint64_t, std::vector<exchange_ptr>> answered_;  ///< on the client leg, by connection
};

class passed_rule final : public rule_base {
public:
    passed_rule() : rule_base{"incomplete-not-passed-as-complete"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->answered()) return;
        if (!t.delivered_from || !answered_incompletely(*t.delivered_from)) {  // an error in its place, or another response
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts)
                    if (answered_incompletely(*a)) met(*a);
            return;
        }
        const auto& got = t.client->response->message;
        if (!is_surely_from(t, about)) return;
        if (t.client->request && t.client->request->message.method == "HEAD") return;
        if (got.status == 304 || got.framing == http::framing::until_close) return;  // to HTTP/1.0 a close says both
        met(*t.client);
        if (!got.complete) return;
        const auto& from = *t.delivered_from;
        violated(about.run.step_of(*t.client),
                 fmt::format("the origin's response (frame {}) ends after {} bytes{}, the client gets a complete response of {} bytes",
                             from.response->first.number, from.response->message.content_size,
                             from.response->message.declared_length ? fmt::format(" of {}", *from.response->message.declared_length)
                                                                    : std::string{", before its framing says so"},
                             got.content_size),
                 {cite_response("response on the client leg", *t.client), cite_response("the origin's response", from)});
    }
};

class stored_rule final : public rule_base {
public:
    stored_rule() : rule_base{"incomplete-not-stored"} {}

private:
    void look(const transaction& t, const matter& about) override {
        for (const auto& f : t.fetches)
            for (const auto& a : f.attempts)
                if (t.client && answered_incompletely(*a)) met(*a);
        if (!t.client || !t.client->answered() || !t.delivered_from || !answered_incompletely(*t.delivered_from)) return;
        const auto& from = *t.delivered_from;
        auto ended = from.response->last;
        if (auto closed = server_end(*from.on); closed.number > ended.number) ended = closed;
        if (about.run.caused(t, from) || begin_of(*t.client).number < ended.number || !is_surely_from(t, about)) return;
        violated(about.run.step_of(*t.client),
                 fmt::format("{} (frame {}) is answered from the store with a response that its origin did not finish (frame {})",
                             request_line(*t.client), begin_of(*t.client).number, from.response->first.number),
                 {cite("exchange on the client leg", *t.client), cite("the incomplete origin exchange", from)});
    }
};

bool headerless(const exchange& e) {
    return e.response && e.response->message.has(anomaly::missing_status_line);
}

class headerless_rule final : public rule_base {
public:
    headerless_rule() : rule_base{"headerless-is-an-error"} {}

private:
    void look(const transaction& t, const matter& about) override {
        const auto& attempts = about.run.attempts(t);
        if (!t.client) {
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts)
                    if (headerless(*a)) judge_probe(*a, about);
            return;
        }
        if (attempts.empty() || !headerless(*attempts.back())) return;
        const auto& e = *attempts.back();
        met(e);
        judge_delivery(t, e, about);
        judge_wait(t, e, about);
    }

    void judge_delivery(const transaction& t, const exchange& e, const matter& about) {
        int status = status_of(*t.client);
        if (status == 0 || status >= 500 || t.delivered_from) return;
        // a stale copy may have been delivered instead, which nothing but a serial tells
        if (about.made_elsewhere() && !same_content(t.client->response->message, e.response->message)) return;
        violated(about.run.step_of(*t.client),
                 fmt::format("bytes without a status line (frame {}) are delivered with status {}", e.response->first.number, status),
                 both(t, e));
    }

    static std::vector<citation> both(const transaction& t, const exchange& e) {
        return {cite("exchange on the client leg", *t.client), cite("the exchange without a status line", e)};
    }

    void judge_wait(const transaction& t, const exchange& e, const matter& about) {
        auto closed = server_end(*e.on);
        if (!closed) return;
        const auto& run = about.run;
        bool answered = t.client->response.has_value();
        auto until = answered ? t.client->response->first : server_end(*t.client->on);
        if (answered && until.number < closed.number) return;
        const auto waited = (until ? run.clock(until) : run.end_clock()) - run.clock(closed), at_most = 1s + run.tolerance();
        if (waited <= at_most) return;
        violated_by({waited, at_most, closed, until ? until : run.end()}, about, run.step_of(*t.client),
                    fmt::format("the origin closed without a status line in frame {}, the client waits {} longer{}", closed.number,
                                seconds_text(waited), until ? "" : " and on"),
                    both(t, e))
            .needs_complete = !until;
    }

    void judge_probe(const exchange& e, const matter& about) {
        auto closed = server_end(*e.on);
        if (!closed) return;
        met(e);
        auto left = client_end(*e.on);
        const auto& run = about.run;
        const auto waited = (left ? run.clock(left) : run.end_clock()) - run.clock(closed), at_most = 1s + run.tolerance();
        if (left.number < closed.number && left) return;
        if (waited <= at_most) return;
        violated_by({waited, at_most, closed, left ? left : run.end()}, about, {},
                    fmt::format("the probe's answer ended without a status line in frame {}, the proxy goes on with it for {}",
                                closed.number, seconds_text(waited)),
                    {cite("probe", e)})
            .needs_complete = !left;
    }
};

}  // namespace

std::unique_ptr<rule> nothing_of_broken_reused() {
    return std::make_unique<broken_reuse_rule>();
}
std::unique_ptr<rule> incomplete_not_passed_as_complete() {
    return std::make_unique<passed_rule>();
}
std::unique_ptr<rule> incomplete_not_stored() {
    return std::make_unique<stored_rule>();
}
std::unique_ptr<rule> headerless_is_an_error() {
    return std::make_unique<headerless_rule>();
}

}  // namespace badorigin::judge
