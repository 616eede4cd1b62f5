#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

void rule_base::see(const transaction& t, const matter& about, std::vector<finding>& findings) {
    findings_ = &findings;
    look(t, about);
}

void rule_base::see_part(const matter& about, std::vector<finding>& findings) {
    findings_ = &findings;
    part(about);
}

void rule_base::finish(const matter& about, std::vector<finding>& findings) {
    findings_ = &findings;
    last(about);
    findings_ = nullptr;
    if (told_) return;
    finding f;
    f.claim = id_;
    f.outcome = met_ ? outcome::upheld : outcome::not_applicable;
    if (met_ && holed_) {
        f.outcome = outcome::inconclusive;
        f.message = "bytes of what it applies to are missing from the capture";
    }
    findings.push_back(std::move(f));
}

void rule_base::met(const exchange& e) {
    met_ = true;
    holed_ = holed_ || holed(e);
}

finding& rule_base::violated(std::string subject, std::string message, std::vector<citation> citations) {
    told_ = true;
    findings_->push_back(
        {std::string{id_}, kind::required, outcome::violated, std::move(subject), std::move(message), std::move(citations), false});
    return findings_->back();
}

finding& rule_base::violated_by(const lapse& time, const matter& about, std::string subject, std::string message,
                                std::vector<citation> citations) {
    auto& f = violated(std::move(subject), std::move(message), std::move(citations));
    const auto starved = about.run.starved(time.from, time.to);
    if (time.took - starved > time.at_most) return f;
    f.outcome = outcome::inconclusive;
    f.message += fmt::format("; but meanwhile the machine was busy: the proxy's threads waited {} for a core", seconds_text(starved));
    return f;
}

}  // namespace badorigin::judge
