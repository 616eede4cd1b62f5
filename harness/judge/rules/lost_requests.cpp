// Lost with a reused connection: R0 as an operator meets it, without any fault of the proxy by the RFC's letter.
//
// An origin closes a kept-alive connection in the moment the proxy sends a request over it. What is not idempotent must not be sent again
// by itself (RFC 9110 9.2.2), and content that was not kept cannot be, so the client gets an error for a request that no origin has seen.
// A staged run has a scenario that says which answer is right there, and a 503 is one. Who brings a capture wants to know which requests
// that cost and how long the connection had been idle. So this is judged in captures made elsewhere alone, and no planted bug is asked for:
// there is no honest behaviour of the cache to leave.
#include "harness/judge/bodies.h"
#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

class lost_request_rule final : public rule_base {
public:
    lost_request_rule() : rule_base{"request-not-lost-with-reused-connection"} {}

private:
    void look(const transaction& t, const matter&) override {
        const auto journey = follow(t);
        for (const auto& a : journey.attempts)
            if (a.at->index > 0) met(*a.at);
        if (journey.attempts.size() != 1) return;
        const auto& only = journey.attempts.front();
        const auto& e = *only.at;
        const int status = status_of(*t.client);
        if (!only.died || !only.origin_ended_it || e.index == 0 || (status != 0 && status < 500)) return;
        violated({},
                 fmt::format("{} (frame {}) is {}: its only attempt (frame {}) went over connection {}, reused for the {} time after {} "
                             "idle, which the origin ended unanswered in frame {}",
                             request_line(*t.client), begin_of(*t.client).number,
                             status == 0 ? std::string{"not answered"} : fmt::format("answered {}", status), begin_of(e).number, e.on->id,
                             ordinal(e.index), seconds_text(e.idle_before), only.ended.number),
                 {cite("exchange on the client leg", *t.client), cite("the only attempt", e)});
    }
};

}  // namespace

std::unique_ptr<rule> request_not_lost_with_reused_connection() {
    return std::make_unique<lost_request_rule>();
}

}  // namespace badorigin::judge
