// What requests carry across: hop-by-hop fields, and framing that two readers could read in two ways.
#include <algorithm>
#include <array>

#include "harness/judge/residence.h"
#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

using http::anomaly;

/// Fields of one leg: those that Connection names, and those that are by definition (RFC 9110 7.6.1).
std::vector<http::field> hop_fields(const http::message& m) {
    constexpr std::array<std::string_view, 4> always{"Keep-Alive", "Proxy-Connection", "TE", "Upgrade"};
    constexpr std::array<std::string_view, 8> never{"Host", "Content-Length",     "Transfer-Encoding",  "Connection", "Date",
                                                    "Age",  capture::token_field, capture::serial_field};
    std::vector<http::field> all;
    const bool connection = m.field("Connection").has_value();
    if (!connection && std::ranges::none_of(always, [&](std::string_view name) { return m.field(name).has_value(); })) return all;
    for (const auto& f : m.fields) {
        auto named = [&](std::string_view name) { return http::same_name(f.name, name); };
        if (std::ranges::any_of(never, named)) continue;
        if (std::ranges::any_of(always, named) || (connection && http::has_token(m.fields, "Connection", f.name))) all.push_back(f);
    }
    return all;
}

class hop_rule final : public rule_base {
public:
    hop_rule() : rule_base{"hop-by-hop-stays"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || (t.client->answered() && status_of(*t.client) == 101)) return;
        auto subject = about.run.step_of(*t.client);
        if (t.client->request && t.client->request->message.header_complete)
            for (const auto& a : about.run.attempts(t))
                if (a->request) compare(*t.client, t.client->request->message, *a, a->request->message, subject, about);
        if (t.delivered_from && t.delivered_from->answered() && t.client->answered() && is_surely_from(t, about))
            compare(*t.delivered_from, t.delivered_from->response->message, *t.client, t.client->response->message, subject, about);
    }

    void compare(const exchange& from, const http::message& sent, const exchange& to, const http::message& came, const std::string& subject,
                 const matter& about) {
        for (const auto& f : hop_fields(sent)) {
            met(to);
            // a server's own that happens to be the same; a staged origin's is never like the proxy's
            if (about.made_elsewhere() && http::same_name(f.name, "Keep-Alive")) continue;
            auto values = http::values(came.fields, f.name);
            if (std::ranges::find(values, f.value) == values.end()) continue;
            violated(subject,
                     fmt::format("the hop-by-hop field {}: {} of frame {} goes on in frame {}", f.name, f.value, begin_of(from).number,
                                 begin_of(to).number),
                     {cite("where it came from", from), cite("where it went on", to)});
        }
    }
};

class ambiguity_rule final : public rule_base {
public:
    ambiguity_rule() : rule_base{"framing-ambiguity-refused"} {}

private:
    /// To be refused in any case.
    static constexpr std::array refused{anomaly::conflicting_content_length,
                                        anomaly::bad_content_length,
                                        anomaly::space_before_colon,
                                        anomaly::several_host,
                                        anomaly::missing_host,
                                        anomaly::bad_chunk_size,
                                        anomaly::unknown_transfer_coding};
    /// May go on when what goes on is unambiguous.
    static constexpr std::array cleaned{anomaly::bare_cr, anomaly::obs_fold, anomaly::duplicate_content_length,
                                        anomaly::content_length_with_transfer_encoding};

    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request) return;
        const auto& asked = t.client->request->message;
        for (auto what : refused)
            if (asked.has(what)) return must_refuse(t, what, about);
        for (auto what : cleaned)
            if (asked.has(what)) return must_clean(t, what, about);
    }

    static bool is_refusal(const exchange& e) {
        int status = status_of(e);
        return status == 0 || (status >= 400 && status < 500) || status == 501 || status == 505;
    }

    void report(const exchange_ptr& client, anomaly what, const matter& about, std::string message, const exchange* attempt) {
        std::vector<citation> citations{cite("exchange on the client leg", *client)};
        if (attempt) citations.push_back(cite("the origin request that it causes", *attempt));
        violated(
            about.run.step_of(*client),
            fmt::format("a request with {} (frame {}, {}) {}", http::name(what), begin_of(*client).number, http::section(what), message),
            std::move(citations));
    }

    void must_refuse(const transaction& t, anomaly what, const matter& about) {
        met(*t.client);
        auto attempts = about.run.attempts(t);
        // a chunk gone wrong may come after the header went on: what went on must not look whole then
        if (what == anomaly::bad_chunk_size)
            std::erase_if(attempts, [](const exchange_ptr& a) { return !a->request || !a->request->message.complete; });
        if (!attempts.empty())
            return report(
                t.client, what, about,
                fmt::format("goes on to origin {} in frame {}", origin_name(*attempts.front()), begin_of(*attempts.front()).number),
                attempts.front().get());
        if (!is_refusal(*t.client)) report(t.client, what, about, fmt::format("is answered {}", status_of(*t.client)), nullptr);
    }

    void must_clean(const transaction& t, anomaly what, const matter& about) {
        met(*t.client);
        for (const auto& a : about.run.attempts(t)) {
            if (!a->request) continue;
            const auto& m = a->request->message;
            std::string still = m.has(what)                ? std::string{"as it came"}
                                : what == anomaly::bare_cr ? smuggled(t.client->request->message, m)
                                                           : std::string{};
            if (!still.empty())
                return report(t.client, what, about,
                              fmt::format("goes on to origin {} in frame {} {}", origin_name(*a), begin_of(*a).number, still), a.get());
        }
        // RFC 9112 6.1: the connection must not be used after a request with both lengths
        if (what == anomaly::content_length_with_transfer_encoding && t.client->on && !judge_next(t.client, about))
            awaited_.push_back(t.client);
    }

    void part(const matter& about) override {
        std::erase_if(awaited_, [&](const exchange_ptr& e) { return e->on->closed() || judge_next(e, about); });
    }

    /// False: this part does not hold the exchange behind it on its connection.
    bool judge_next(const exchange_ptr& before, const matter& about) {
        const auto& all = about.evidence.exchanges;
        const auto next =
            std::ranges::find_if(all, [&](const exchange_ptr& e) { return e->on == before->on && e->index == before->index + 1; });
        if (next == all.end()) return false;
        if ((*next)->answered())
            report(before, anomaly::content_length_with_transfer_encoding, about,
                   fmt::format("is followed by an answer on the same connection (frame {})", (*next)->response->first.number), nullptr);
        return true;
    }

    /// A CR that was taken for a line end makes a field of what stands behind it.
    static std::string smuggled(const http::message& asked, const http::message& came) {
        for (const auto& f : asked.fields) {
            std::string_view rest = f.value;
            for (auto cr = rest.find('\r'); cr != std::string_view::npos; cr = rest.find('\r')) {
                rest.remove_prefix(cr + 1);
                auto colon = rest.find(':');
                if (colon == std::string_view::npos) continue;
                auto name = rest.substr(0, colon);
                if (!asked.field(name) && came.field(name)) return fmt::format("with a field {} that stood behind the CR", name);
            }
        }
        return {};
    }

    std::vector<exchange_ptr> awaited_;  ///< with both lengths: nothing may come behind them on their connections
};

}  // namespace

std::unique_ptr<rule> hop_by_hop_stays() {
    return std::make_unique<hop_rule>();
}
std::unique_ptr<rule> framing_ambiguity_refused() {
    return std::make_unique<ambiguity_rule>();
}

}  // namespace badorigin::judge
