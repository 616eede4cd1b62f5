// Body forwarded whole: did the proxy keep back what it had, or did the origin not let it send?
//
// An attempt that carries less than the client sent is the proxy's fault only where the origin left it the time: the origin's own close or
// early answer in the same instant cuts every body. So an incomplete prefix counts as lost when the proxy ended the connection itself, or
// when the origin waited for at least one second of the run's clock after header and client's body were there. Large bodies may wait for an
// origin that does not read, which packets without their windows do not show: they are judged only where bytes differ, or where the message
// is complete with other bytes.
#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t fits_any_socket = 32 * 1024;

bool never_reads(const matter& about, const std::string& origin) {
    for (const auto& o : about.scenario.origins)
        if (o.name == origin && o.start == peers::listening::never_read) return true;
    for (const auto& s : about.scenario.steps)
        for (const auto& act : s.origins)
            if (act.origin == origin && act.act == scenario::origin_act::what::never_read) return true;
    return false;
}

class body_rule final : public rule_base {
public:
    body_rule() : rule_base{"body-forwarded-whole"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || !t.client->request->message.header_complete) return;
        const auto& client = *t.client;
        if (!has_body(client.request->message)) return;
        std::size_t n = 0;
        for (const auto& f : t.fetches)
            for (const auto& a : f.attempts) {
                ++n;
                if (!a->request || !a->request->message.header_complete || a->request->message.method != client.request->message.method)
                    continue;
                if (client.request->message.complete)
                    whole_body(client, *a, n, about);
                else
                    unfinished_body(client, *a, n, about);
            }
    }

    void report(const exchange& client, const exchange& attempt, std::size_t n, const matter& about, std::string message,
                bool needs_complete = false) {
        auto& f = violated(about.run.step_of(client), fmt::format("attempt {} ({}) {}", n, place_of(attempt), message),
                           {cite_request("request on the client leg", client),
                            cite_request(fmt::format("request on the origin leg, attempt {}", n), attempt)});
        f.needs_complete = needs_complete;
    }

    void whole_body(const exchange& client, const exchange& attempt, std::size_t n, const matter& about) {
        const auto &sent = client.request->message, &came = attempt.request->message;
        if (came.complete && same_content(came, sent)) return met(attempt);
        if (came.complete) {
            met(attempt);
            report(client, attempt, n, about,
                   fmt::format("ends as a whole request with {} bytes of content, but the client sent {} bytes{}", came.content_size,
                               sent.content_size, came.content_size == sent.content_size ? " of other content" : ""));
            return;
        }
        if (!begins(came, sent)) {
            met(attempt);
            report(client, attempt, n, about,
                   fmt::format("carries other content than the client sent, within its first {} bytes", came.content_size));
            return;
        }
        judge_cut(client, attempt, n, about);
    }

    /// The attempt carries the beginning of the body, and then nothing.
    void judge_cut(const exchange& client, const exchange& attempt, std::size_t n, const matter& about) {
        const auto &sent = client.request->message, &came = attempt.request->message;
        const auto& run = about.run;
        if (came.content_size > 0 && sent.content_size > fits_any_socket) return;
        if (never_reads(about, origin_name(attempt))) return;
        if (came.field("Expect") && attempt.interim.empty()) return;  // RFC 9110 10.1.1: it may wait for 100
        auto announced = came.declared_length ? fmt::format("announces Content-Length {}", *came.declared_length)
                                              : std::string{"announces a chunked body"};
        auto follows =
            came.content_size == 0 ? std::string{"no body byte follows"} : fmt::format("only {} bytes of it follow", came.content_size);
        auto what = fmt::format("{}, {}", announced, follows);

        frame_ref origins = attempt.response ? attempt.response->first : frame_ref{};
        if (auto closed = server_end(*attempt.on); closed && (!origins || closed.number < origins.number)) origins = closed;
        auto proxys = client_end(*attempt.on);
        auto ready = std::max(run.clock(attempt.request->header_end), run.clock(client.request->last));
        if (proxys && (!origins || proxys.number < origins.number)) {
            met(attempt);
            report(client, attempt, n, about, fmt::format("{}; the proxy itself ends the connection in frame {}", what, proxys.number));
        } else if (origins) {
            auto waited = run.clock(origins) - ready;
            if (origins.number < client.request->last.number || waited < 1s) return;  // the origin's doing
            met(attempt);
            report(client, attempt, n, about,
                   fmt::format("{}; the origin waited {} for it, until frame {}", what, seconds_text(waited), origins.number));
        } else if (auto waited = run.end_clock() - ready; waited >= 1s) {
            met(attempt);
            report(client, attempt, n, about, fmt::format("{}, until the end of the run {} later", what, seconds_text(waited)), true);
        }
    }

    /// The client never finished: its request must not arrive as a finished one.
    void unfinished_body(const exchange& client, const exchange& attempt, std::size_t n, const matter& about) {
        const auto &sent = client.request->message, &came = attempt.request->message;
        if (client.gap || sent.gap) return;
        met(attempt);
        if (came.complete)
            report(client, attempt, n, about,
                   fmt::format("ends as a whole request with {} bytes of content, but the client stopped after {}", came.content_size,
                               sent.content_size));
        else if (!begins(came, sent))
            report(client, attempt, n, about,
                   fmt::format("carries {} bytes of content that are not what the client sent", came.content_size));
    }
};

}  // namespace

std::unique_ptr<rule> body_forwarded_whole() {
    return std::make_unique<body_rule>();
}

}  // namespace badorigin::judge
