// A conformance table: many short cases in one file, each of which becomes an ordinary scenario.
//
// A case is a scenario with everything left out that goes without saying: one origin that gives its replies in turn, whatever it is asked;
// clients that send GET /case one after the other; one word for where a response must come from. What all cases of a file rest on ("it
// stores at all") stands once, as `given`, and is performed before each of them as a premise: where it does not hold, its cases are
// inconclusive and say so, instead of failing forty times.
#include <algorithm>
#include <set>

#include "harness/scenario/document.h"
#include "harness/scenario/parts.h"
#include "harness/scenario/spelling.h"

namespace badorigin::scenario {

namespace {

constexpr std::array<std::string_view, 5> table_keys{"topic", "policy", "given", "rules_off", "cases"};
constexpr std::array<std::string_view, 2> given_keys{"origin", "exchanges"};
constexpr std::array<std::string_view, 10> case_keys{"id",     "says",      "kind",   "rfc",       "covers",
                                                     "origin", "exchanges", "expect", "rules_off", "not_for"};
constexpr nanoseconds patience = std::chrono::seconds{10};  ///< of a client that names no deadline
constexpr nanoseconds longest_real_wait = std::chrono::seconds{10};

/// Where the response of an exchange comes from.
enum class source : std::uint8_t { anywhere, origin, store, refused };
constexpr std::array source_words{spelled{"origin", source::origin}, spelled{"store", source::store}, spelled{"refused", source::refused}};

/// What a proxy may answer when it will not have a request; 0: nothing, and it closes.
const std::vector<int> refusals{0, 400, 403, 405, 411, 413, 414, 415, 417, 421, 426, 431, 501, 505};

std::string target_of(bool given) {
    return given ? "/given" : "/case";
}

/// "9111/4.2.1" → "RFC 9111 section 4.2.1"
std::optional<std::string> section_of(std::string_view text) {
    const auto slash = text.find('/');
    const auto figures = [](std::string_view part, std::string_view allowed) {
        return !part.empty() && part.find_first_not_of(allowed) == part.npos && part.front() != '.' && part.back() != '.';
    };
    if (slash == text.npos || !figures(text.substr(0, slash), "0123456789") || !figures(text.substr(slash + 1), "0123456789."))
        return std::nullopt;
    return fmt::format("RFC {} section {}", text.substr(0, slash), text.substr(slash + 1));
}

/// Also not what stands behind the first of several requests, which no step is known to have caused.
condition nothing_forwarded(place at) {
    condition out;
    out.query = fmt::format("BereqURL ne \"{}\"", target_of(true));
    out.group = "raw";
    out.count = 0;
    out.at = std::move(at);
    return out;
}

struct part {
    peers::route route;
    std::vector<step> steps;
    bool all_refused = true;
};

class case_reader {
public:
    case_reader(reader& to, const std::vector<std::string>& known_rules) : to_(to), known_rules_(known_rules) {
        to_.origin_names = {"app"};
        exchange_keys_.assign(client_keys().begin(), client_keys().end());
        for (const auto key : {"after", "from", "name"}) exchange_keys_.push_back(key);
    }

    /// Of `given` (its target is another, and so are the names of its exchanges) or of a case.
    part read(const shape& from, bool given) {
        part out;
        out.route = {"*", "*", {}};
        if (given) out.route.target = target_of(true);
        from.with("origin", [&](const auto& node) { out.route.replies = read_replies(to_, node); });
        finish_replies(out.route.replies);
        if (from.lacks("exchanges")) to_.wrong(from.where(), "'exchanges' is missing");
        from.with("exchanges", [&](const auto& node) {
            const auto items = to_.list(node, "exchanges");
            name_exchanges(items, given);
            for (std::size_t i = 0; i < items.size(); ++i) read_exchange(items[i], given, names_.at(i), out);
        });
        return out;
    }

    scenario head(const shape& from) {
        scenario out;
        from.with("says", [&](const auto& node) { set(out.claim, to_.text(node, "says")); });
        from.with("kind", [&](const auto& node) { set(out.kind, to_.one_of(node, "kind", demand_words)); });
        from.with("rfc", [&](const auto& node) { read_sections(node, out); });
        read_covers(to_, from, out.covers);
        read_reasons(to_, from, "rules_off", &known_rules_, out.rules_off);
        read_reasons(to_, from, "not_for", nullptr, out.not_for);
        for (const std::string_view key : {"id", "says", "rfc"})
            if (from.lacks(key)) to_.wrong(from.where(), fmt::format("a case: '{}' is missing", key));
        return out;
    }

private:
    void read_sections(const YAML::Node& from, scenario& out) {
        const auto add = [&](const YAML::Node& node) {
            const auto text = to_.text(node, "rfc");
            if (!text) return;
            if (auto section = section_of(*text)) {
                out.sections.push_back(std::move(*section));
            } else {
                to_.wrong(node, fmt::format("rfc: expected the RFC's number and the section, such as 9111/4.2.1, found '{}'", *text));
            }
        };
        if (!from.IsSequence()) return add(from);
        for (const auto& item : to_.list(from, "rfc")) add(item);
    }

    /// The last reply is given for ever; content tells one from the other.
    static void finish_replies(std::vector<peers::reply>& replies) {
        if (replies.empty()) replies.emplace_back();
        if (auto& last = replies.back(); last.repeat == 1 && last.when == peers::condition::always && !last.until) last.repeat = -1;
        for (std::size_t i = 0; i < replies.size(); ++i) {
            auto& one = replies[i];
            const bool may_have_content = !one.raw && one.status != 204 && one.status != 205 && one.status != 304;
            if (!may_have_content || one.body.kind != peers::content::kind::none) continue;
            one.body.kind = peers::content::kind::literal;
            one.body.literal = fmt::format("reply {}", i + 1);
        }
    }

    void name_exchanges(const std::vector<YAML::Node>& items, bool given) {
        names_.clear();
        std::set<std::string> seen;
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto name = fmt::format("{}-{}", given ? "given" : "step", i + 1);
            if (items[i].IsMap() && items[i]["name"]) name = to_.name(items[i]["name"], "name").value_or(name);
            if (!seen.insert(name).second) to_.wrong(items[i], fmt::format("name: another exchange is named '{}' already", name));
            to_.step_names.push_back({name, {{name}}});
            names_.push_back(std::move(name));
        }
    }

    void read_exchange(const YAML::Node& node, bool given, const std::string& name, part& out) {
        step next;
        next.name = name;
        next.where = to_.at(node);
        auto from = source::anywhere;
        client_act act;
        if (node.IsScalar()) {
            set(from, to_.one_of(node, "an exchange", source_words));
            act.name = name;
            act.at = next.where;
            act.request.deadline = patience;
        } else {
            const shape keys{to_, node, "an exchange", exchange_keys_};
            act = read_client(to_, keys, name);
            keys.with("from", [&](const auto& value) { set(from, to_.one_of(value, "from", source_words)); });
            keys.with("after", [&](const auto& value) {
                if (const auto pause = to_.duration(value, "after", true))
                    next.at = instant{out.steps.empty() ? std::string{} : out.steps.back().name, *pause};
            });
            if (!keys.has("deadline")) act.request.deadline = patience;
            check_source(node, keys, from);
        }
        if (node.IsScalar() || !node["client"]) act.request.target = target_of(given);
        expect_source(from, out, act.expect);
        if (given) act.premise = std::exchange(act.expect, {});
        next.clients.push_back(std::move(act));
        out.steps.push_back(std::move(next));
    }

    void check_source(const YAML::Node& node, const shape& keys, source from) {
        if (from == source::anywhere && !keys.has("expect") && !keys.has("premise"))
            to_.wrong(node, "an exchange: expects nothing; expected from (origin, store, refused) or expect");
        const auto* expect = keys.find("expect");
        if (from == source::anywhere || expect == nullptr || !expect->value.IsMap()) return;
        for (const char* key : {"fetches", "attempts"})
            if (expect->value[key]) to_.wrong(expect->value[key], fmt::format("{}: is what `from` says already", key));
    }

    static void expect_source(source from, part& out, expectation& expect) {
        out.all_refused = out.all_refused && from == source::refused;
        switch (from) {
            case source::anywhere:
                break;
            case source::origin:
                expect.fetches = 1;
                expect.own_fetch = true;
                break;
            case source::store:
                expect.fetches = 0;
                if (!expect.status && expect.status_in.empty()) expect.status = out.route.replies.front().status;
                break;
            case source::refused:
                expect.attempts = 0;
                if (!expect.status && expect.status_in.empty()) expect.status_in = refusals;
                break;
        }
    }

    reader& to_;
    const std::vector<std::string>& known_rules_;
    std::vector<std::string_view> exchange_keys_;
    std::vector<std::string> names_;
};

/// One case's own reader, so that what it waits for, and its names, are its own.
class table_reader {
public:
    table_reader(const YAML::Node& document, std::string file, std::string id, time_mode mode, const std::vector<std::string>& known_rules,
                 std::uint64_t seed)
        : document_(document), file_(std::move(file)), id_(std::move(id)), mode_(mode), known_rules_(known_rules), seed_(seed) {}

    std::expected<std::vector<scenario>, std::vector<problem>> read() {
        reader to{file_, seed_};
        const shape keys{to, document_, "a table", table_keys};
        if (keys.lacks("topic")) to.wrong(document_, "a table: 'topic' is missing");
        keys.with("topic", [&](const auto& node) { to.text(node, "topic"); });
        keys.with("policy", [&](const auto& node) { set(policy_, to.name(node, "policy")); });
        read_reasons(to, keys, "rules_off", &known_rules_, rules_off_);
        keys.with("given", [&](const auto& node) {
            case_reader{to, known_rules_}.read(shape{to, node, "given", given_keys}, true);
            given_ = node;
        });
        std::vector<YAML::Node> cases;
        keys.with("cases", [&](const auto& node) { cases = to.list(node, "cases"); });
        keep(to);
        for (const auto& node : cases) read_case(node);
        if (problems_.empty()) return std::move(cases_);
        std::ranges::stable_sort(problems_, {}, [](const problem& one) { return std::pair{one.at.line, one.at.column}; });
        return std::unexpected(std::move(problems_));
    }

private:
    void read_case(const YAML::Node& node) {
        reader to{file_, seed_};
        const shape keys{to, node, "a case", case_keys};
        case_reader one{to, known_rules_};
        auto out = one.head(keys);
        std::string name;
        keys.with("id", [&](const auto& value) { set(name, to.name(value, "id")); });
        if (!name.empty() && !seen_.insert(name).second)
            to.wrong(keys.find("id")->value, fmt::format("id: another case is named '{}' already", name));
        peers::origin_script app{"app", {}};
        if (given_) {
            reader quiet{file_, seed_};  // its problems have been told once
            auto before = case_reader{quiet, known_rules_}.read(shape{quiet, given_, "given", given_keys}, true);
            to.longest_wait(quiet.longest_wait());
            app.routes.push_back(std::move(before.route));
            out.steps = std::move(before.steps);
        }
        auto own = one.read(keys, false);
        if (own.all_refused) out.conditions.push_back(nothing_forwarded(to.at(node)));
        if (!own.steps.empty() && own.steps.front().at && !out.steps.empty()) own.steps.front().at->step = out.steps.back().name;
        keys.with("expect", [&](const auto& value) { read_run_expectations(to, value, out); });
        app.routes.push_back(std::move(own.route));
        std::ranges::move(own.steps, std::back_inserter(out.steps));
        out.origins.push_back(std::move(app));
        out.rules_off.insert(rules_off_.begin(), rules_off_.end());
        out.policy = policy_;
        out.mode = mode_;
        out.can_be_real = to.longest_wait() <= longest_real_wait;
        out.id = id_ + "/" + name;
        out.file = file_;
        keep(to);
        cases_.push_back(std::move(out));
    }

    void keep(reader& from) { std::ranges::move(from.take_problems(), std::back_inserter(problems_)); }

    const YAML::Node& document_;
    std::string file_, id_, policy_ = "default";
    time_mode mode_;
    const std::vector<std::string>& known_rules_;
    std::uint64_t seed_;
    std::map<std::string, std::string> rules_off_;  ///< in all cases
    YAML::Node given_{YAML::NodeType::Undefined};
    std::set<std::string> seen_;
    std::vector<problem> problems_;
    std::vector<scenario> cases_;
};

}  // namespace

bool is_table(const YAML::Node& document) {
    return document.IsMap() && document["cases"];
}

std::expected<std::vector<scenario>, std::vector<problem>> read_table(const YAML::Node& document, const std::string& file,
                                                                      const std::string& id, time_mode mode,
                                                                      const std::vector<std::string>& known_rules, std::uint64_t seed) {
    return table_reader{document, file, id, mode, known_rules, seed}.read();
}

std::vector<std::string> case_names(const YAML::Node& document) {
    std::vector<std::string> out;
    for (const auto& one : document["cases"]) {
        if (one.IsMap() && one["id"] && one["id"].IsScalar()) out.push_back(one["id"].Scalar());
    }
    return out;
}

}  // namespace badorigin::scenario
