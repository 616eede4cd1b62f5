#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "reports/report.h"

namespace badorigin::report {

namespace {

/// XML is UTF-8 and has no place for most control characters; bytes of the wire are anything.
std::string as_xml(const std::string& bytes) {
    using nlohmann::json;
    const auto utf_8 = json(bytes).dump(-1, ' ', false, json::error_handler_t::replace);  // what is none becomes U+FFFD
    auto text = json::parse(utf_8).get<std::string>();
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
    return text;
}

std::string why(const entry& what) {
    std::string text = what.verdict.reason.empty() ? std::string() : what.verdict.reason + "\n";
    const bool came_to_its_end = what.verdict.outcome != judge::outcome::error;
    for (const auto& f : what.verdict.findings) {
        if (!came_to_its_end || f.outcome == judge::outcome::upheld || f.outcome == judge::outcome::not_applicable ||
            f.kind == judge::kind::advice)
            continue;
        text += fmt::format("{} {}{}: {}\n", judge::name(f.outcome), f.claim, f.subject.empty() ? "" : " [" + f.subject + "]", f.message);
    }
    if (came_to_its_end) {
        for (const auto& e : what.cited) text += on_the_wire(*e, what.files());
    }
    for (const auto& note : what.verdict.notes) text += "note: " + note + "\n";
    if (what.capture) text += captured_text(*what.capture);
    if (!what.evidence.empty()) text += "evidence: " + what.evidence + "\n";
    return as_xml(text);
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
    errno = 0;
    std::ofstream out(file);
    document.save(out, "  ");
    out.close();
    if (!out) return std::unexpected(fmt::format("{}: {}", file, errno ? std::strerror(errno) : "cannot be written"));
    return {};
}

}  // namespace badorigin::report
