// Who got whose answer: by the serial that each origin response carries, and by content where both sides are whole.
#include <algorithm>

#include "harness/judge/residence.h"
#include "harness/judge/rules/rule_base.h"
#include "http/freshness.h"
#include "http/grammar.h"

namespace badorigin::judge {

namespace {

bool reads_only(std::string_view method) {
    return method == "GET" || method == "HEAD";
}

/// The request that a response was made for, as the client sent it where a client caused it.
const exchange& asker(const matter& about, const exchange& origin) {
    const auto* t = about.run.owner(origin);
    return t && t->client && t->client->request ? *t->client : origin;
}

class right_answer_rule final : public rule_base {
public:
    right_answer_rule() : rule_base{"right-answer-to-right-request"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->answered() || !t.delivered_from || !t.delivered_from->request) return;
        const auto& from = *t.delivered_from;
        if (!is_surely_from(t, about)) return;
        met(*t.client);
        if (!about.run.caused(t, from)) judge_request(t, from, about);
        if (!about.made_elsewhere()) judge_content(t, from, about);  // no script says that the proxy leaves content as it is (ESI)
    }

    void report(const transaction& t, const exchange& from, const matter& about, std::string message) {
        violated(about.run.step_of(*t.client), std::move(message),
                 {cite("exchange on the client leg", *t.client), cite("the origin exchange that the response comes from", from)});
    }

    /// From the store, or from somebody else's fetch.
    void judge_request(const transaction& t, const exchange& from, const matter& about) {
        const auto& asked = t.client->request->message;
        const auto& other = asker(about, from);
        const auto& answered = other.request->message;
        const auto& own = about.run.attempts(t);
        bool rewritten_alike = std::ranges::any_of(
            own, [&](const exchange_ptr& a) { return a->request && target_of(a->request->message) == target_of(from.request->message); });
        if (target_of(asked) != target_of(answered) && target_of(asked) != target_of(from.request->message) && !rewritten_alike)
            return report(t, from, about,
                          fmt::format("{} gets what an origin answered to {} (frame {})", request_line(*t.client), request_line(from),
                                      begin_of(from).number));
        if (&other != &from && host_of(asked) != host_of(answered) && host_of(asked) != host_of(from.request->message))
            return report(t, from, about,
                          fmt::format("{} for host \"{}\" gets what an origin answered for host \"{}\"", request_line(*t.client),
                                      host_of(asked), host_of(answered)));
        if (!reads_only(asked.method))
            return report(t, from, about,
                          fmt::format("{} gets an answer that was given to another request (frame {})", request_line(*t.client),
                                      begin_of(from).number));
        if (asked.method == "GET" && answered.method == "HEAD" && from.request->message.method == "HEAD")
            report(t, from, about,
                   fmt::format("{} gets what an origin answered to HEAD (frame {})", request_line(*t.client), begin_of(from).number));
    }

    void judge_content(const transaction& t, const exchange& from, const matter& about) {
        const auto &got = t.client->response->message, &given = from.response->message;
        if (t.client->request->message.method == "HEAD" || from.request->message.method == "HEAD") return;
        if (got.status != 200 || given.status != 200 || !got.complete || !given.complete) return;
        if (joined(got.fields, "Content-Encoding") != joined(given.fields, "Content-Encoding")) return;
        if (same_content(got, given)) return;
        report(t, from, about,
               fmt::format("{} gets {} bytes of content, the origin's response of that serial (frame {}) has {}{}", request_line(*t.client),
                           got.content_size, from.response->first.number, given.content_size,
                           got.content_size == given.content_size ? " others" : ""));
    }
};

class privacy_rule final : public rule_base {
public:
    privacy_rule() : rule_base{"private-content-stays-with-its-key"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->answered() || !t.delivered_from || about.run.caused(t, *t.delivered_from) ||
            !is_surely_from(t, about))
            return;
        const auto& from = *t.delivered_from;
        if (!from.request || !from.answered()) return;
        const auto& response = from.response->message;
        const auto& asked = t.client->request->message;
        const auto& answered = asker(about, from).request->message;
        auto control = http::parse_cache_control(response.fields);
        const auto targeted = http::parse_cdn_cache_control(response.fields);
        const auto frees = [](const http::cache_control& by) { return by.is_public || by.s_maxage || by.must_revalidate; };
        bool free_to_share = frees(control) || (targeted && frees(*targeted));

        std::string why;
        bool applies = false;
        for (const auto& name : vary(response)) {
            applies = true;
            if (name == "*")
                why = "its Vary is *";
            else if (elements(asked, name) != elements(answered, name) && !suits_both(name, response, asked, answered))
                why = fmt::format("it varies by {}, which was \"{}\" there and is \"{}\" here", name, joined(answered.fields, name),
                                  joined(asked.fields, name));
        }
        if (http::kept_from_others(response)) {
            applies = true;
            why = fmt::format("it says {}", control.is_private ? "private" : "no-store");
        }
        if (answered.field("Authorization") && !free_to_share) {
            applies = true;
            why = "it answers a request with Authorization";
        }
        if (response.field("Set-Cookie") && !free_to_share) {
            applies = true;
            if (t.client->response->message.field("Set-Cookie")) why = "it sets a cookie for another client";
        }
        if (!applies) return;
        met(*t.client);
        if (why.empty()) return;
        violated(about.run.step_of(*t.client),
                 fmt::format("{} gets what was answered to another request (frame {}), although {}", request_line(*t.client),
                             begin_of(from).number, why),
                 {cite("exchange on the client leg", *t.client), cite("the origin exchange that the response comes from", from)});
    }

    static std::vector<std::string> vary(const http::message& response) { return elements(response, "Vary"); }

    /// Of a list field: several lines and white space between its elements are no difference (RFC 9111 4.1).
    static std::vector<std::string> elements(const http::message& m, std::string_view name) {
        std::vector<std::string> all;
        for (auto line : http::values(m.fields, name))
            http::for_each_element(line, [&](std::string_view element) {
                if (!element.empty()) all.emplace_back(element);
            });
        return all;
    }

    /// A cache may normalise Accept-Encoding to the one coding that it stores (RFC 9111 4.1; Varnish does so by itself).
    static bool suits_both(std::string_view name, const http::message& response, const http::message& asked,
                           const http::message& answered) {
        if (!http::same_name(name, "Accept-Encoding")) return false;
        auto coding = response.field("Content-Encoding");
        return !coding || (http::has_token(asked.fields, name, *coding) && http::has_token(answered.fields, name, *coding));
    }
};

}  // namespace

std::unique_ptr<rule> right_answer_to_right_request() {
    return std::make_unique<right_answer_rule>();
}
std::unique_ptr<rule> private_content_stays_with_its_key() {
    return std::make_unique<privacy_rule>();
}

}  // namespace badorigin::judge
