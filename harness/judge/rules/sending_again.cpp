#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

constexpr std::size_t attempts_at_most = 5;

class retry_rule final : public rule_base {
public:
    retry_rule() : rule_base{"no-retry-of-non-idempotent"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client || !t.client->request || is_idempotent(t.client->request->message.method) ||
            !t.client->request->message.header_complete)
            return;
        const exchange* earlier = nullptr;
        std::size_t n = 0;
        for (const auto& a : about.run.attempts(t)) {
            ++n;
            if (!a->request || !a->request->message.header_complete) continue;
            met(*a);
            if (earlier)
                violated(about.run.step_of(*t.client),
                         fmt::format("{} is sent again as attempt {} ({}) although it had reached an origin before (frame {}, {})",
                                     request_line(*t.client), n, place_of(*a), begin_of(*earlier).number,
                                     earlier->answered() ? fmt::format("answered {}", status_of(*earlier)) : std::string{"not answered"}),
                         {cite("exchange on the client leg", *t.client), cite("earlier attempt", *earlier),
                          cite(fmt::format("attempt {}", n), *a)});
            earlier = a.get();
        }
    }
};

class load_rule final : public rule_base {
public:
    load_rule() : rule_base{"load-bounded"} {}

private:
    void look(const transaction& t, const matter& about) override {
        if (!t.client) return;
        ++clients_;
        const auto& attempts = about.made_elsewhere() ? longest_fetch(t) : about.run.attempts(t);
        requests_ += attempts.size();
        if (attempts.empty()) return;
        met();
        if (attempts.size() > heaviest_.size()) {
            heaviest_ = attempts;
            heaviest_client_ = t.client;
        }
        if (attempts.size() <= attempts_at_most) return;
        violated(about.run.step_of(*t.client), fmt::format("{} causes {} requests to origins", request_line(*t.client), attempts.size()),
                 {cite("exchange on the client leg", *t.client),
                  cite(fmt::format("attempt {}", attempts_at_most + 1), *attempts[attempts_at_most])});
    }
    /// A page that is put together from many has a fetch for each: without the policy that says nothing, the same request again does.
    static const std::vector<exchange_ptr>& longest_fetch(const transaction& t) {
        static const std::vector<exchange_ptr> none;
        const auto* longest = &none;
        for (const auto& f : t.fetches)
            if (f.attempts.size() > longest->size()) longest = &f.attempts;
        return *longest;
    }
    void last(const matter&) override {
        if (requests_ > 3 * clients_ + 5)
            violated(
                {}, fmt::format("{} client requests cause {} requests to origins", clients_, requests_),
                {cite("the client request that causes most of them", *heaviest_client_), cite("the last of these", *heaviest_.back())});
    }
    std::vector<exchange_ptr> heaviest_;
    exchange_ptr heaviest_client_;
    std::size_t clients_ = 0, requests_ = 0;
};

}  // namespace

std::unique_ptr<rule> no_retry_of_non_idempotent() {
    return std::make_unique<retry_rule>();
}
std::unique_ptr<rule> load_bounded() {
    return std::make_unique<load_rule>();
}

}  // namespace badorigin::judge
