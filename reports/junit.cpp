#include <map>
#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "reports/escaped.h"
#include "reports/file.h"
#include "reports/report.h"

namespace badorigin::report {

namespace {

std::string why(const entry& what) {
    std::string text = what.verdict.reason.empty() ? std::string() : what.verdict.reason + "\n";
    for (const auto* f : told_findings(what))
        text +=
            fmt::format("{} {}{}: {}\n", judge::name(f->outcome), f->claim, f->subject.empty() ? "" : " [" + f->subject + "]", f->message);
    if (what.verdict.outcome != judge::outcome::error) {
        for (const auto& e : what.cited) text += on_the_wire(*e, what.files());
    }
    for (const auto& note : what.verdict.notes) text += "note: " + note + "\n";
    if (what.capture) text += captured_text(*what.capture);
    if (!what.evidence.empty()) text += "evidence: " + what.evidence + "\n";
    return markup_text(text);
}

}  // namespace

std::expected<void, std::string> write_junit(const std::string& file, const std::vector<entry>& all) {
    pugi::xml_document document;
    auto suites = document.append_child("testsuites");
    suites.append_attribute("name") = "badorigin";
    std::map<std::string, std::vector<const entry*>> by_proxy;
    for (const auto& e : all) by_proxy[e.verdict.proxy].push_back(&e);
    for (const auto& [proxy, entries] : by_proxy) {
        auto suite = suites.append_child("testsuite");
        int failures = 0, errors = 0, skipped = 0;
        double time = 0;
        suite.append_attribute("name") = proxy.c_str();
        suite.append_attribute("tests") = static_cast<unsigned>(entries.size());
        if (const auto weaker = weaker_evidence(all); !weaker.empty()) {
            auto property = suite.append_child("properties").append_child("property");
            property.append_attribute("name") = "evidence";
            property.append_attribute("value") = weaker.c_str();
        }
        for (const entry* e : entries) {
            const double took = std::chrono::duration<double>(e->took).count();
            time += took;
            auto one = suite.append_child("testcase");
            one.append_attribute("classname") = proxy.c_str();
            one.append_attribute("name") = e->verdict.scenario.c_str();
            one.append_attribute("time") = fmt::format("{:.3f}", took).c_str();
            const std::string text = why(*e);
            const std::string headline = text.substr(0, text.find('\n'));
            if (judge::decisive(e->verdict) != e->verdict.outcome) {
                const auto message = fmt::format("{} only: {}", judge::name(e->verdict.demand), headline);
                one.append_child("skipped").append_attribute("message") = message.c_str();
                ++skipped;
                continue;
            }
            switch (e->verdict.outcome) {
                case judge::outcome::violated: {
                    auto node = one.append_child("failure");
                    node.append_attribute("message") = headline.c_str();
                    node.text() = text.c_str();
                    ++failures;
                    break;
                }
                case judge::outcome::inconclusive:
                case judge::outcome::error: {
                    auto node = one.append_child("error");
                    node.append_attribute("message") = headline.c_str();
                    node.append_attribute("type") = std::string(judge::name(e->verdict.outcome)).c_str();
                    node.text() = text.c_str();
                    ++errors;
                    break;
                }
                case judge::outcome::not_applicable:
                    one.append_child("skipped").append_attribute("message") = e->verdict.reason.c_str();
                    ++skipped;
                    break;
                case judge::outcome::upheld:
                    break;
            }
        }
        suite.append_attribute("failures") = failures;
        suite.append_attribute("errors") = errors;
        suite.append_attribute("skipped") = skipped;
        suite.append_attribute("time") = fmt::format("{:.3f}", time).c_str();
    }
    std::ostringstream out;
    document.save(out, "  ");
    return write_file(file, out.str());
}

}  // namespace badorigin::report
