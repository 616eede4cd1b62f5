#include <algorithm>

#include "capture/recent.h"
#include "harness/judge/residence.h"
#include "harness/judge/rules/rule_base.h"
#include "http/freshness.h"
#include "http/grammar.h"

namespace badorigin::judge {

namespace {

using namespace std::chrono_literals;

std::string_view opaque(std::string_view tag) {
    tag = http::trimmed(tag);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    return tag;
}

/// Weak comparison (RFC 9110 8.8.3.2) with each entity tag of a list.
bool names_tag(std::string_view list, std::string_view tag) {
    if (opaque(list) == "*") return true;
    while (!list.empty()) {
        auto open = list.find('"');
        auto close = open == std::string_view::npos ? open : list.find('"', open + 1);
        if (close == std::string_view::npos) return opaque(list) == opaque(tag);
        if (list.substr(open, close - open + 1) == opaque(tag)) return true;
        list.remove_prefix(close + 1);
    }
    return false;
}

/// A 304 that answers the condition it was asked with.
bool validates(const exchange& e) {
    const auto &asked = e.request->message, &answer = e.response->message;
    auto tags = asked.field("If-None-Match"), tag = answer.field("ETag");
    if (tags && tag) return names_tag(*tags, *tag);
    auto since = asked.field("If-Modified-Since"), modified = answer.field("Last-Modified");
    if (!tags && since && modified) return http::parse_date(*since) == http::parse_date(*modified);
    return true;
}

bool is_304(const exchange& e) {
    return e.request && e.request->message.header_complete && status_of(e) == 304;
}

class client_304_rule final : public rule_base {
public:
    client_304_rule() : rule_base{"not-modified-only-to-conditional"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->request->message.header_complete || !t.client->answered()) return;
        bool conditional = is_conditional(t.client->request->message);
        if (status_of(*t.client) != 304 && !conditional) return;
        met(*t.client);
        if (status_of(*t.client) == 304 && !conditional)
            violated(
                about.run.step_of(*t.client),
                fmt::format("{} carries no condition and gets 304 (frame {})", request_line(*t.client), t.client->response->first.number),
                {cite("exchange on the client leg", *t.client)});
    }
};

class unsolicited_rule final : public rule_base {
public:
    unsolicited_rule() : rule_base{"unsolicited-304-is-a-failed-fetch"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client) return;
        if (t.delivered_from && is_304(*t.delivered_from) && !is_conditional(t.delivered_from->request->message) &&
            !about.run.caused(t, *t.delivered_from) && is_surely_from(t, about))
            report(t, *t.delivered_from, about);
        const auto& attempts = about.run.attempts(t);
        if (attempts.empty() || !is_304(*attempts.back()) || is_conditional(attempts.back()->request->message)) return;
        const auto& e = attempts.back();
        met(*e);
        int status = status_of(*t.client);
        bool from_it = t.delivered_from == e || (!t.delivered_from && status != 0);
        if (about.made_elsewhere()) from_it = status == 304;  // anything else may be a stale copy
        if (status != 0 && status < 500 && from_it) report(t, *e, about);
    }
    void report(const transaction& t, const exchange& e, const matter& about) {
        violated(about.run.step_of(*t.client),
                 fmt::format("the origin answers 304 to a request without condition (frame {}), the client gets {} from it",
                             begin_of(e).number, status_of(*t.client)),
                 {cite("exchange on the client leg", *t.client), cite("the unsolicited 304", e)});
    }
};

class mismatch_rule final : public rule_base {
public:
    mismatch_rule() : rule_base{"validation-matches"} {}

private:
    void look(const transaction& t, const matter& about) override {
        for (const auto& a : about.run.attempts(t))
            if (is_304(*a) && is_conditional(a->request->message)) met(*a);
        if (!t.client || !t.delivered_from) return;
        const auto& from = *t.delivered_from;
        if (!is_304(from) || !is_conditional(from.request->message) || validates(from) || status_of(*t.client) != 200) return;
        violated(
            about.run.step_of(*t.client),
            fmt::format("a stored response is delivered as validated by a 304 (frame {}) whose validator \"{}\" is not the one asked about",
                        from.response->first.number,
                        from.response->message.field("ETag").value_or(from.response->message.field("Last-Modified").value_or(""))),
            {cite("exchange on the client leg", *t.client), cite("the 304 with another validator", from)});
    }
};

/// The latest proper validation of each target; what is served afterwards must show it.
class update_rule final : public rule_base {
public:
    update_rule() : rule_base{"validation-updates-stored"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request) return;
        judge_later(t, about);
        for (const auto& a : about.run.attempts(t)) {
            if (!is_304(*a) || !is_conditional(a->request->message) || !validates(*a)) continue;
            if (is_conditional(t.client->request->message)) continue;  // may be the client's own condition, passed on
            *seen_.try_emplace(key_of(t), nullptr).first = a;
        }
    }

    void judge_later(const transaction& t, const matter& about) {
        const auto& asked = t.client->request->message;
        if (asked.method != "GET" || status_of(*t.client) != 200) return;
        const auto* validated = seen_.find(key_of(t));
        if (!validated) return;
        const auto& by = **validated;
        if (begin_of(*t.client).number < end_of(by).number) return;
        if (about.run.ban_between(begin_of(by), begin_of(*t.client)) || by.response->message.field("Vary")) return;
        const auto& attempts = about.run.attempts(t);
        if (t.delivered_from && t.delivered_from.get() != &by && attempts.empty() && is_older(t, by, about)) {
            met(*t.client);
            report(t, by, about,
                   fmt::format("the copy served (frame {}) is still as it was before the 304 of frame {}", t.client->response->first.number,
                               begin_of(by).number));
        } else if (t.delivered_from.get() == &by) {
            met(*t.client);
        } else {
            judge_lifetime(t, by, attempts, about);
        }
    }

    /// The copy came from before the validation, from the same origin, and nothing newer was stored in between.
    static bool is_older(const transaction& t, const exchange& by, const matter& about) {
        const auto& from = *t.delivered_from;
        return is_surely_from(t, about) && begin_of(from).number < begin_of(by).number && origin_name(from) == origin_name(by) &&
               !about.run.caused(t, from);
    }

    void judge_lifetime(const transaction& t, const exchange& by, const std::vector<exchange_ptr>& attempts, const matter& about) {
        if (about.made_elsewhere()) return;  // a cache may drop what it has, and what its key is nobody says
        const auto& asked = t.client->request->message;
        if (attempts.empty() || asked.field("Cache-Control") || asked.field("Pragma") || asked.field("Cookie") ||
            asked.field("Authorization") || asked.field("Range"))
            return;
        auto fresh_for = lifetime(about, by);
        if (!fresh_for) return;
        auto control = http::parse_cache_control(by.response->message.fields);
        if (control.no_cache || control.no_store || control.is_private) return;
        auto age = about.run.clock(begin_of(*attempts.front())) - about.run.clock(begin_of(by)) +
                   http::age_field(by.response->message.fields).value_or(0s);
        if (age + 1s >= *fresh_for) return;
        met(*t.client);
        report(t, by, about,
               fmt::format("it was validated in frame {} and is fetched again {} later, within its lifetime of {}", begin_of(by).number,
                           seconds_text(age), seconds_text(*fresh_for)));
    }

    void report(const transaction& t, const exchange& by, const matter& about, std::string message) {
        violated(about.run.step_of(*t.client), std::move(message),
                 {cite("exchange on the client leg", *t.client), cite("the validation", by)});
    }

    static std::string key_of(const transaction& t) {
        return fmt::format("{} {}", host_of(t.client->request->message), target_of(t.client->request->message));
    }

    capture::recent<std::string, exchange_ptr> seen_;  ///< by host and target
};

}  // namespace

std::unique_ptr<rule> not_modified_only_to_conditional() {
    return std::make_unique<client_304_rule>();
}
std::unique_ptr<rule> unsolicited_304_is_a_failed_fetch() {
    return std::make_unique<unsolicited_rule>();
}
std::unique_ptr<rule> validation_matches() {
    return std::make_unique<mismatch_rule>();
}
std::unique_ptr<rule> validation_updates_stored() {
    return std::make_unique<update_rule>();
}

}  // namespace badorigin::judge
