// Findings for people and for machines: console, JUnit XML, JSON, HTML.
#pragma once

#include <chrono>
#include <cstdio>
#include <expected>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "capture/evidence.h"
#include "capture/exchange.h"
#include "capture/foreign.h"
#include "harness/judge/bodies.h"
#include "harness/judge/finding.h"

namespace badorigin::report {

/// A capture made elsewhere, as it was read, and R0 outright.
struct captured {
    capture::foreign read;
    judge::body_account bodies;
};

/// One scenario on one proxy; or the verdict on a capture made elsewhere.
struct entry {
    judge::verdict verdict;
    std::string claim, file;
    std::string evidence;  ///< folder of the kept bundle; empty: none
    std::chrono::nanoseconds took{0};
    std::vector<capture::exchange_ptr> cited;
    capture::evidence_kind kind = capture::evidence_kind::libpcap;
    std::vector<std::string> sections = {};             ///< of RFCs, that the scenario names
    bool of_table = false;                              ///< a case of a conformance table: told in a line, and counted by topic
    std::shared_ptr<const captured> capture = nullptr;  ///< null: the evidence is a bundle

    /// Whose frames have a file's name; null: no others' do.
    const capture::evidence* files() const { return capture ? &capture->read.evidence : nullptr; }
};

/// What a report says of it: violated and inconclusive, advice aside. Of a run that did not come to its end nothing, as that says nothing
/// about the proxy: what its steps lack is no news beside the reason.
std::vector<const judge::finding*> told_findings(const entry& what);

/// What kind of evidence the verdicts rest on, where it is not a capture by libpcap: every report says so. Empty: it is.
std::string weaker_evidence(const std::vector<entry>& all);

/// How the console talks. Colour and the live line need a terminal.
struct console_style {
    bool colour = false, live = false, quiet = false;
};

/// One line a scenario as it ends; for whatever was not upheld, why, and the cited exchanges as they were on the wire; a summary at the
/// end.
class console {
public:
    console(std::FILE* out, console_style style, std::size_t total);
    void begun(const std::string& scenario, const std::string& proxy);
    void ended(const entry& what);
    void finish(const std::vector<entry>& all);
    /// errno of the first write that failed; 0: none did.
    int trouble() const { return trouble_; }

private:
    void put(const std::string& text);
    void flush();
    void show_findings(const entry& what);
    std::string paint(judge::outcome what, const std::string& text) const;
    void clear_live();
    void show_live();
    std::FILE* out_;
    console_style style_;
    std::size_t total_, done_ = 0;
    std::vector<std::string> running_;
    int trouble_ = 0;
};

/// An exchange as it stood on the wire: start lines, field lines and the body's beginning, with frame numbers and offsets; control bytes
/// escaped.
std::string on_the_wire(const capture::exchange& what, const capture::evidence* files = nullptr);

// The words that these are made of.
std::string frames_text(capture::frame_number first, capture::frame_number last, const capture::evidence* files);  ///< "frames 3-5"
std::string connection_state(const capture::exchange& e);  ///< "fresh", "reused, idle for 0.300 s"
std::string citation_text(const judge::citation& c);

// Of conformance tables: what one case has to say that was not upheld; how many were, by topic and kind. Empty: there are no cases.
std::string case_text(const entry& what);
std::string topics_text(const std::vector<entry>& all);

// What is told of a capture made elsewhere, beside its verdict: how it was read and R0 outright, as text and as JSON; advice.
std::string captured_text(const captured& what);
std::string advice_text(const judge::verdict& verdict);
nlohmann::ordered_json captured_json(const captured& what);

/// JUnit XML as CI servers read it: a suite a proxy, a case a scenario; violated → failure, error and inconclusive → error, not_applicable
/// → skipped.
std::expected<void, std::string> write_junit(const std::string& file, const std::vector<entry>& all);

/// reports/results.schema.json: `results` with one entry a scenario and proxy.
std::string results_json(const std::vector<entry>& all, const std::string& tool_version);
std::expected<void, std::string> write_json(const std::string& file, const std::vector<entry>& all, const std::string& tool_version);

/// One page that needs nothing else: a table to choose outcomes from, and each entry with its findings, the exchanges as they were on the
/// wire, the path of the evidence. The same for the same entries.
std::string results_html(const std::vector<entry>& all, const std::string& tool_version);
std::expected<void, std::string> write_html(const std::string& file, const std::vector<entry>& all, const std::string& tool_version);
// Pieces of it, each by itself: for notebooks.
std::string entry_html(const entry& what);
std::string finding_html(const judge::finding& what);
std::string exchange_html(const capture::exchange& what, const capture::evidence* files);

}  // namespace badorigin::report
