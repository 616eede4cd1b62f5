// What all rules share: they count what they had to judge, say what is violated, and end with one finding where nothing is.
#pragma once

#include <fmt/format.h>

#include "harness/judge/judge.h"
#include "harness/judge/run_index.h"

namespace badorigin::judge {

class rule_base : public rule {
public:
    explicit rule_base(std::string_view id) : id_{id} {}
    std::string_view id() const final { return id_; }
    void see(const transaction& t, const matter& about, std::vector<finding>& findings) final;
    void see_part(const matter& about, std::vector<finding>& findings) final;
    void finish(const matter& about, std::vector<finding>& findings) final;

protected:
    /// One transaction, in order.
    virtual void look(const transaction&, const matter&) {}
    /// The exchanges and connections of a part, behind its transactions.
    virtual void part(const matter&) {}
    /// The run is over.
    virtual void last(const matter&) {}

    /// It met something that it applies to; without any, the rule is not applicable.
    void met(const exchange& e);
    void met() { met_ = true; }
    /// The finding may be completed until the next call.
    finding& violated(std::string subject, std::string message, std::vector<citation> citations);
    /// The proxy took `took` between these frames, which is more than `at_most`. Inconclusive where the machine was busy: then its threads
    /// waited for a core so long that it may not have been its own doing.
    struct lapse {
        nanoseconds took, at_most;
        frame_ref from, to;
    };
    finding& violated_by(const lapse& time, const matter& about, std::string subject, std::string message, std::vector<citation> citations);

private:
    std::string_view id_;
    bool met_ = false, holed_ = false, told_ = false;
    std::vector<finding>* findings_ = nullptr;
};

using rule_maker = std::unique_ptr<rule> (*)();

// One function each, in the file of its family.
std::unique_ptr<rule> body_forwarded_whole();
std::unique_ptr<rule> no_retry_of_non_idempotent();
std::unique_ptr<rule> load_bounded();
std::unique_ptr<rule> right_answer_to_right_request();
std::unique_ptr<rule> private_content_stays_with_its_key();
std::unique_ptr<rule> nothing_of_broken_reused();
std::unique_ptr<rule> incomplete_not_passed_as_complete();
std::unique_ptr<rule> incomplete_not_stored();
std::unique_ptr<rule> headerless_is_an_error();
std::unique_ptr<rule> not_modified_only_to_conditional();
std::unique_ptr<rule> unsolicited_304_is_a_failed_fetch();
std::unique_ptr<rule> validation_matches();
std::unique_ptr<rule> validation_updates_stored();
std::unique_ptr<rule> one_fetch_in_flight();
std::unique_ptr<rule> stale_only_within_grace();
std::unique_ptr<rule> saint_window_kept();
std::unique_ptr<rule> age_honest();
std::unique_ptr<rule> error_not_stored();
std::unique_ptr<rule> ban_honoured();
std::unique_ptr<rule> hop_by_hop_stays();
std::unique_ptr<rule> framing_ambiguity_refused();
std::unique_ptr<rule> no_cpu_burnt();
std::unique_ptr<rule> alive_and_serving();
std::unique_ptr<rule> nothing_left_behind();
std::unique_ptr<rule> answered_or_closed();
std::unique_ptr<rule> request_not_lost_with_reused_connection();
std::unique_ptr<rule> freshness_and_validators_given();
std::unique_ptr<rule> same_etag_from_each_origin();
std::unique_ptr<rule> varies_by_few();
std::unique_ptr<rule> text_compressed();
std::unique_ptr<rule> versions_not_told();
std::unique_ptr<rule> no_cookie_on_shared_content();
std::unique_ptr<rule> plain_http_answered_in_http();

}  // namespace badorigin::judge
