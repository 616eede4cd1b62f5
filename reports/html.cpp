// One file that needs nothing else: no script, no font, no picture, so that it can be kept with the evidence and opened anywhere. Outcomes
// are chosen by radio buttons and a style sheet. It is written as a tree, which escapes what it holds, and is well-formed as XML too.
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "reports/escaped.h"
#include "reports/file.h"
#include "reports/own_log.h"
#include "reports/report.h"

namespace badorigin::report {

namespace {

using pugi::xml_node;

constexpr const char* style = R"(
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
pre { background: #8881; padding: .6em; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .2em .8em .2em 0; border-bottom: 1px solid #8884; vertical-align: top; }
label { margin-right: 1em; }
section { border-top: 2px solid #8886; margin-top: 2em; }
article { margin: 1em 0 1em 1em; }
)";

/// In the order in which a reader wants them.
constexpr auto outcomes = {judge::outcome::violated, judge::outcome::error, judge::outcome::inconclusive, judge::outcome::upheld,
                           judge::outcome::not_applicable};

const char* colour_of(judge::outcome what) {
    switch (what) {
        case judge::outcome::upheld:
            return "color:#1a7f37";
        case judge::outcome::violated:
        case judge::outcome::error:
            return "color:#cf222e";
        case judge::outcome::inconclusive:
            return "color:#9a6700";
        default:
            return "color:#57606a";
    }
}

/// With text even where that is empty: readers of HTML know no empty-element tags.
xml_node add(xml_node to, const char* tag, std::string_view text = {}) {
    auto made = to.append_child(tag);
    made.append_child(pugi::node_pcdata).set_value(markup_text(text).c_str());
    return made;
}

void put(xml_node to, const char* attribute, const std::string& value) {
    to.append_attribute(attribute) = markup_text(value).c_str();
}

void add_words(xml_node to, std::string_view text) {
    to.append_child(pugi::node_pcdata).set_value(markup_text(text).c_str());
}

void add_outcome(xml_node to, judge::outcome what) {
    put(add(to, "b", judge::name(what)), "style", colour_of(what));
}

/// With its kind where that decides nothing.
void add_outcome(xml_node to, const judge::verdict& what) {
    add_outcome(to, what.outcome);
    if (what.demand != scenario::demand::required) add_words(to, fmt::format(" ({})", judge::name(what.demand)));
}

void add_link(xml_node to, const std::string& text, const std::string& anchor) {
    add_words(to, " ");
    put(add(to, "a", text), "href", "#" + anchor);
}

xml_node add_finding(xml_node to, const judge::finding& f) {
    auto made = add(to, "article");
    auto head = add(made, "div");
    add_outcome(head, f.outcome);
    add_words(head,
              fmt::format(" {}{}{}", f.claim, f.subject.empty() ? "" : " [" + f.subject + "]", f.message.empty() ? "" : ": " + f.message));
    return made;
}

/// An entry, whose exchanges are shown where they are cited first.
class entry_writer {
public:
    entry_writer(const entry& what, std::string anchor)
        : what_{what}, anchor_{std::move(anchor)}, own_{what.cited.empty() ? nullptr : own_log::of_bundle(what.evidence)} {
        for (const auto& e : what.cited) cited_[e->id] = e;
    }

    void write(xml_node to) {
        const auto& v = what_.verdict;
        auto head = add(to, "h3");
        add_outcome(head, v);
        add_words(head, fmt::format(" {} on {}", v.scenario, v.proxy));
        add(to, "p", what_.sections.empty() ? what_.claim : fmt::format("{} ({})", what_.claim, fmt::join(what_.sections, ", ")));
        if (!v.reason.empty()) add(to, "pre", v.reason);
        for (const auto* f : told_findings(what_)) write_finding(to, *f);
        for (const auto& e : what_.cited) write_exchange(to, *e);  // of those, which no finding above has shown
        if (what_.capture) add(to, "pre", captured_text(*what_.capture));
        if (const auto advice = advice_text(v); !advice.empty()) add(to, "pre", advice);
        for (const auto& note : v.notes) add(to, "p", "note: " + note);
        write_upheld(to);
        if (!what_.evidence.empty()) {
            auto evidence = add(to, "p", "evidence: ");
            add(evidence, "code", what_.evidence);
        }
    }

private:
    void write_finding(xml_node to, const judge::finding& f) {
        auto made = add_finding(to, f);
        auto list = add(made, "ul");
        for (const auto& c : f.citations) {
            auto item = add(list, "li", citation_text(c));
            if (shown_.contains(c.exchange)) add_link(item, fmt::format("exchange {}", c.exchange), anchor_of(c.exchange));
        }
        for (const auto& c : f.citations)
            if (const auto found = cited_.find(c.exchange); found != cited_.end()) write_exchange(made, *found->second);
    }

    void write_exchange(xml_node to, const capture::exchange& e) {
        if (!shown_.insert(e.id).second) return;
        put(add(to, "pre", on_the_wire(e, what_.files())), "id", anchor_of(e.id));
        const auto logged = own_ ? own_->text(e, own_log::part::all) : std::string();
        if (logged.empty()) return;
        auto made = add(to, "details");
        add(made, "summary", fmt::format("what the proxy logged of exchange {} (shown, never judged)", e.id));
        add(made, "pre", logged);
    }

    void write_upheld(xml_node to) const {
        std::vector<std::string> claims;
        for (const auto& f : what_.verdict.findings)
            if (f.outcome == judge::outcome::upheld) claims.push_back(f.claim + (f.subject.empty() ? "" : " [" + f.subject + "]"));
        if (claims.empty()) return;
        auto made = add(to, "details");
        add(made, "summary", fmt::format("{} claims upheld", claims.size()));
        auto list = add(made, "ul");
        for (const auto& claim : claims) add(list, "li", claim);
    }

    std::string anchor_of(std::uint64_t exchange) const { return fmt::format("{}-exchange-{}", anchor_, exchange); }

    const entry& what_;
    const std::string anchor_;
    const std::shared_ptr<const own_log> own_;
    std::map<std::uint64_t, capture::exchange_ptr> cited_;
    std::set<std::uint64_t> shown_;
};

std::string text_of(const pugi::xml_document& document) {
    std::ostringstream out;
    document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
    return out.str() + "\n";
}

std::string class_of(const entry& e) {
    return fmt::format("entry {}", judge::name(e.verdict.outcome));
}

std::string anchor_of(std::size_t entry) {
    return fmt::format("entry-{}", entry + 1);
}

/// Rules of the style sheet that hide what was not chosen: the buttons stand before what they choose from.
std::string hiding(const std::map<judge::outcome, std::size_t>& counts) {
    std::string out = style;
    for (const auto& [what, count] : counts)
        out += fmt::format("#show-{0}:checked ~ main .entry:not(.{0}) {{ display: none; }}\n", judge::name(what));
    return out;
}

void add_choice(xml_node to, const std::string& id, const std::string& label, bool chosen) {
    auto button = to.append_child("input");
    put(button, "type", "radio");
    put(button, "name", "show");
    put(button, "id", "show-" + id);
    if (chosen) put(button, "checked", "checked");
    put(add(to, "label", label), "for", "show-" + id);
}

void add_summary(xml_node to, const std::vector<entry>& all) {
    auto table = add(to, "table");
    auto head = add(add(table, "thead"), "tr");
    for (const auto* name : {"outcome", "scenario", "proxy", "seconds", "claim"}) add(head, "th", name);
    auto body = add(table, "tbody");
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto row = add(body, "tr");
        put(row, "class", class_of(all[i]));
        add_outcome(add(row, "td"), all[i].verdict);
        add_link(add(row, "td"), all[i].verdict.scenario, anchor_of(i));
        add(row, "td", all[i].verdict.proxy);
        add(row, "td", fmt::format("{:.2f}", std::chrono::duration<double>(all[i].took).count()));
        add(row, "td", all[i].claim);
    }
}

template <class Write>
std::string fragment(const Write& write) {
    pugi::xml_document document;
    write(add(document, "div"));
    return text_of(document);
}

}  // namespace

std::string finding_html(const judge::finding& what) {
    return fragment([&](xml_node to) {
        auto list = add(add_finding(to, what), "ul");
        for (const auto& c : what.citations) add(list, "li", citation_text(c));
    });
}

std::string exchange_html(const capture::exchange& what, const capture::evidence* files) {
    return fragment([&](xml_node to) { add(to, "pre", on_the_wire(what, files)); });
}

std::string entry_html(const entry& what) {
    return fragment([&](xml_node to) { entry_writer(what, what.verdict.scenario).write(to); });
}

std::string results_html(const std::vector<entry>& all, const std::string& tool_version) {
    std::map<judge::outcome, std::size_t> counts;
    for (const auto& e : all) ++counts[e.verdict.outcome];
    pugi::xml_document document;
    document.append_child(pugi::node_doctype).set_value("html");
    auto html = document.append_child("html");
    put(html, "lang", "en");
    auto head = html.append_child("head");
    put(head.append_child("meta"), "charset", "utf-8");
    auto policy = head.append_child("meta");
    put(policy, "http-equiv", "Content-Security-Policy");
    put(policy, "content", "default-src 'none'; style-src 'unsafe-inline'");
    std::string title;
    for (const auto what : outcomes)
        if (counts.contains(what)) title += fmt::format("{}{} {}", title.empty() ? "" : ", ", counts[what], judge::name(what));
    add(head, "title", title);
    add(head, "style", hiding(counts));
    auto body = html.append_child("body");
    add(body, "h1", "badorigin " + tool_version);
    if (const auto weaker = weaker_evidence(all); !weaker.empty()) add(body, "p", weaker);
    if (const auto topics = topics_text(all); !topics.empty()) add(body, "pre", topics);
    add_choice(body, "all", fmt::format("all {}", all.size()), true);
    for (const auto what : outcomes)
        if (counts.contains(what))
            add_choice(body, std::string(judge::name(what)), fmt::format("{} {}", counts[what], judge::name(what)), false);
    auto main = add(body, "main");
    add_summary(main, all);
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto section = add(main, "section", "\n");
        put(section, "class", class_of(all[i]));
        put(section, "id", anchor_of(i));
        entry_writer(all[i], anchor_of(i)).write(section);
    }
    return text_of(document);
}

std::expected<void, std::string> write_html(const std::string& file, const std::vector<entry>& all, const std::string& tool_version) {
    return write_file(file, results_html(all, tool_version));
}

}  // namespace badorigin::report
