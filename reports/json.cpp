#include <nlohmann/json.hpp>

#include "reports/file.h"
#include "reports/report.h"

namespace badorigin::report {

std::string results_json(const std::vector<entry>& all, const std::string& tool_version) {
    using json = nlohmann::ordered_json;
    json results = json::array();
    for (const auto& e : all) {
        json one;
        one["scenario"] = e.verdict.scenario;
        one["proxy"] = e.verdict.proxy;
        one["outcome"] = judge::name(e.verdict.outcome);
        one["claim"] = e.claim;
        if (e.verdict.demand != scenario::demand::required) one["kind"] = judge::name(e.verdict.demand);
        if (!e.sections.empty()) one["sections"] = e.sections;
        if (!e.verdict.reason.empty()) one["reason"] = e.verdict.reason;
        if (!e.verdict.notes.empty()) one["notes"] = e.verdict.notes;
        one["evidence_kind"] = capture::name(e.kind);
        one["seconds"] = std::chrono::duration<double>(e.took).count();
        if (!e.evidence.empty()) one["evidence"] = e.evidence;
        if (e.capture) one["capture"] = captured_json(*e.capture);
        const bool judged = !e.verdict.findings.empty();
        if (judged) {
            one["verdicts"] = json::parse(judge::verdicts_json(e.verdict));
            one["citations"] = json::parse(judge::citations_json(e.verdict));
        }
        results.push_back(std::move(one));
    }
    json document;
    document["format"] = 1;
    document["tool"] = "badorigin " + tool_version;
    if (const auto weaker = weaker_evidence(all); !weaker.empty()) document["note"] = weaker;
    document["results"] = std::move(results);
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::expected<void, std::string> write_json(const std::string& file, const std::vector<entry>& all, const std::string& tool_version) {
    return write_file(file, results_json(all, tool_version));
}

}  // namespace badorigin::report
