// How long stored responses are used, and what they say of themselves: grace, saint mode, Age, errors, bans.
#include <algorithm>

#include "harness/judge/pattern.h"
#include "harness/judge/residence.h"
#include "harness/judge/rules/rule_base.h"
#include "http/freshness.h"

namespace badorigin::judge {

namespace {

using namespace std::chrono_literals;

/// The client's exchange was answered with a response that another exchange had fetched before.
bool from_store(const transaction& t, const matter& about) {
    return t.client && t.client->request && t.client->answered() && t.delivered_from && t.delivered_from->answered() &&
           !about.run.caused(t, *t.delivered_from) && is_surely_from(t, about);
}

class grace_rule final : public rule_base {
public:
    grace_rule() : rule_base{"stale-only-within-grace"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!from_store(t, about)) return;
        auto grace = longest_grace(about);
        auto fresh_for = lifetime(about, *t.delivered_from);
        if (!grace || !fresh_for) return;
        met(*t.client);
        const auto& from = *t.delivered_from;
        // what the proxy decided when the request was there; it may have waited for a fetch that failed then
        auto age = about.run.clock(begin_of(*t.client)) - about.run.clock(from.response->header_end);
        if (age <= *fresh_for + *grace + about.run.tolerance()) return;
        violated(about.run.step_of(*t.client),
                 fmt::format("{} is answered {} after the response was fetched (frame {}), with a ttl of {} and a grace of {}",
                             request_line(*t.client), seconds_text(age), from.response->first.number, seconds_text(*fresh_for),
                             seconds_text(*grace)),
                 {cite("exchange on the client leg", *t.client), cite("the origin exchange that the response comes from", from)});
    }

    /// A policy may promise several: for healthy and for sick origins.
    static std::optional<nanoseconds> longest_grace(const matter& about) {
        std::optional<nanoseconds> longest;
        for (const auto& [name, value] : about.scenario.promises)
            if (name.find("grace") != std::string::npos) longest = std::max(longest.value_or(value), value);
        return longest;
    }
};

class saint_rule final : public rule_base {
public:
    saint_rule() : rule_base{"saint-window-kept"} {}

private:
    struct window {
        std::string origin, target;
        exchange_ptr failure;
        nanoseconds since{0};
    };

    void part(const matter& about) override {
        auto saint = about.run.promise("saint");
        if (!saint) return;
        for (const auto& e : about.evidence.exchanges) {
            if (!is_origin_leg(*e) || !e->request || !is_read(e->request->message.method)) continue;
            const auto* t = about.run.owner(*e);
            if (!t || !t->client) continue;
            auto target = target_of(e->request->message);
            auto begun = about.run.clock(begin_of(*e));
            for (const auto& w : windows_) {
                if (w.origin != origin_name(*e) || w.target != target || begin_of(*e).number < end_of(*w.failure).number) continue;
                if (begun + about.run.tolerance() >= w.since + *saint) continue;
                violated(
                    about.run.step_of(*e),
                    fmt::format("origin {} is asked for {} (frame {}) {} after it answered {} (frame {}), within the saint window of {}",
                                w.origin, target, begin_of(*e).number, seconds_text(begun - w.since), status_of(*w.failure),
                                w.failure->response->first.number, seconds_text(*saint)),
                    {cite("the failure that begins the window", *w.failure), cite("the request within it", *e)});
                break;
            }
            if (status_of(*e) < 500) continue;
            met(*e);
            windows_.push_back({origin_name(*e), target, e, about.run.clock(e->response->header_end)});
        }
        if (windows_.empty()) return;
        const auto over = windows_.back().since - *saint - 1min;  // time stamps may run backwards, by less than that
        std::erase_if(windows_, [&](const window& w) { return w.since < over; });
    }
    static bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

    std::vector<window> windows_;
};

class age_rule final : public rule_base {
public:
    age_rule() : rule_base{"age-honest"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->answered() || !t.delivered_from || !t.delivered_from->answered()) return;
        if (!is_surely_from(t, about)) return;
        const auto& from = *t.delivered_from;
        const auto& got = t.client->response->message;
        auto field = got.field("Age");
        bool store = from_store(t, about) && begin_of(*t.client).number > end_of(from).number;
        if (!field) {
            if (!store || got.status == 304) return;
            met(*t.client);
            return report(t, from, about, "a stored response is delivered without Age");
        }
        if (!store && from.response->message.field("Age") && !from_store(t, about)) return;  // passed on with what it came with
        met(*t.client);
        auto said = http::age_field(got.fields);
        if (!said) return report(t, from, about, fmt::format("Age is \"{}\", no number of seconds", *field));
        auto is = age_at_delivery(about, from, *t.client);
        // the header may have been made up when the request came in
        auto earliest = std::max(0ns, is.least - (about.run.clock(t.client->response->first) - about.run.clock(begin_of(*t.client))));
        // Age has whole seconds, and a cache may drop the fraction before it takes off what it does not count.
        if (*said + 1s < std::chrono::floor<std::chrono::seconds>(earliest) || *said > is.most + 1s)
            report(t, from, about,
                   fmt::format("Age says {}, the response is {} to {} old", seconds_text(*said), seconds_text(earliest),
                               seconds_text(is.most)));
    }

    void report(const transaction& t, const exchange& from, const matter& about, std::string message) {
        violated(about.run.step_of(*t.client), fmt::format("{} (frame {})", message, t.client->response->first.number),
                 {cite_response("response on the client leg", *t.client), cite("the origin exchange that the response comes from", from)});
    }
};

class stored_error_rule final : public rule_base {
public:
    stored_error_rule() : rule_base{"error-not-stored"} {}

private:
    void look(const transaction& t, const matter& about) override {
        for (const auto& a : about.run.attempts(t))
            if (t.client && status_of(*a) >= 500) met(*a);
        if (!from_store(t, about) || status_of(*t.delivered_from) < 500 || status_of(*t.client) < 500) return;
        const auto& from = *t.delivered_from;
        using source = http::lifetime::source;
        auto own = http::freshness_lifetime(from.response->message);
        if (own.from != source::none && own.from != source::heuristic && own.value > 0s) return;
        // who waited for the failed fetch may share it, and for a moment after
        const auto later = about.run.clock(begin_of(*t.client)) - about.run.clock(end_of(from)), at_most = 1s + about.run.tolerance();
        if (begin_of(*t.client).number < end_of(from).number || later <= at_most) return;
        violated_by({later, at_most, end_of(from), t.client->response->first}, about, about.run.step_of(*t.client),
                    fmt::format("{} is answered with the {} that an origin gave {} before (frame {})", request_line(*t.client),
                                status_of(from), seconds_text(later), from.response->first.number),
                    {cite("exchange on the client leg", *t.client), cite("the origin exchange that the response comes from", from)});
    }
};

/// The part of Varnish's ban language that speaks of the request's URL alone.
class banned {
public:
    static std::optional<banned> parse(std::string_view expression) {
        constexpr std::string_view field = "req.url ";
        while (expression.starts_with(' ')) expression.remove_prefix(1);
        if (!expression.starts_with(field) || expression.find("&&") != std::string_view::npos) return std::nullopt;
        expression.remove_prefix(field.size());
        auto blank = expression.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        banned b;
        b.operation_ = expression.substr(0, blank);
        auto operand = expression.substr(blank + 1);
        while (operand.starts_with(' ')) operand.remove_prefix(1);
        while (operand.ends_with(' ')) operand.remove_suffix(1);
        if (operand.size() >= 2 && operand.front() == '"' && operand.back() == '"') operand = operand.substr(1, operand.size() - 2);
        b.operand_ = operand;
        if (b.operation_ == "~" || b.operation_ == "!~") {
            auto compiled = pattern::compile(b.operand_);
            if (!compiled) return std::nullopt;
            b.pattern_ = *compiled;
        } else if (b.operation_ != "==" && b.operation_ != "!=") {
            return std::nullopt;
        }
        return b;
    }
    bool matches(const std::string& url) const {
        bool found = pattern_ ? pattern_->found_in(url) : url == operand_;
        return found != operation_.starts_with('!');
    }

private:
    std::string operation_, operand_;
    std::optional<pattern> pattern_;
};

class ban_rule final : public rule_base {
public:
    ban_rule() : rule_base{"ban-honoured"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->answered() || !t.delivered_from || !t.delivered_from->answered()) return;
        auto target = target_of(t.client->request->message);
        const auto& from = *t.delivered_from;
        for (const auto& ban : about.run.bans()) {
            if (begin_of(*t.client).number < ban.at.number) continue;
            auto expression = banned::parse(ban.expression);
            if (!expression || !expression->matches(target)) continue;
            met(*t.client);
            if (end_of(from).number > ban.at.number) continue;
            violated(about.run.step_of(*t.client),
                     fmt::format("{} (frame {}) is answered with a response fetched in frame {}, before the ban {}",
                                 request_line(*t.client), begin_of(*t.client).number, begin_of(from).number, ban.expression),
                     {cite("exchange on the client leg", *t.client), cite("the origin exchange that the response comes from", from)});
            return;
        }
    }
};

}  // namespace

std::unique_ptr<rule> stale_only_within_grace() {
    return std::make_unique<grace_rule>();
}
std::unique_ptr<rule> saint_window_kept() {
    return std::make_unique<saint_rule>();
}
std::unique_ptr<rule> age_honest() {
    return std::make_unique<age_rule>();
}
std::unique_ptr<rule> error_not_stored() {
    return std::make_unique<stored_error_rule>();
}
std::unique_ptr<rule> ban_honoured() {
    return std::make_unique<ban_rule>();
}

}  // namespace badorigin::judge
