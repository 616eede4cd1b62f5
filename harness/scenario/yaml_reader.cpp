// Order matters here: promises before what counts in them, names before what names them. A problem in one part does not keep the next from
// being read.
#include <algorithm>

#include "harness/scenario/document.h"
#include "harness/scenario/parts.h"
#include "harness/scenario/spelling.h"

namespace badorigin::scenario {

namespace {

constexpr std::array<std::string_view, 17> file_keys{"claim",   "proxy_protocol", "kind",    "covers", "sections", "policy",
                                                     "proxies", "promises",       "real",    "values", "clock",    "rules_off",
                                                     "not_for", "needs",          "origins", "steps",  "expect"};
constexpr std::array<std::string_view, 4> header_durations{"ttl", "grace", "saint",
                                                           "keep"};  // a real proxy reads these from fields in whole seconds
constexpr nanoseconds longest_real_promise = std::chrono::seconds{5}, longest_real_wait = std::chrono::seconds{10};
constexpr std::size_t most_proxies = 16;
const std::vector<std::string> capabilities{"ban", "reload", "plant", "vitals", "log", "virtual-time", "proxy-protocol"};

bool is_report_item(std::string_view text) {
    const auto dot = text.find('.');
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    };
    return text.starts_with('R') && dot != std::string_view::npos && digits(text.substr(1, dot - 1)) && digits(text.substr(dot + 1));
}

class scenario_reader {
public:
    scenario_reader(reader& to, const YAML::Node& from, time_mode mode) : to_(to), keys_(to, from, "a scenario", file_keys) {
        out_.mode = mode;
    }

    scenario read(const std::vector<std::string>& known_rules) {
        read_head();
        read_time();
        read_names(known_rules);
        if (const auto* origins = keys_.find("origins")) to_.origin_names = read_origin_names(origins->value);
        keys_.with("proxies", [&](const auto& node) { read_proxies(node); });
        if (const auto* steps = keys_.find("steps")) to_.step_names = read_step_names(to_, steps->value);
        keys_.with("origins", [&](const auto& node) { out_.origins = read_origins(to_, node); });
        keys_.with("steps", [&](const auto& node) { out_.steps = read_steps(to_, node); });
        keys_.with("expect", [&](const auto& node) { read_run_expectations(to_, node, out_); });
        require("claim");
        require("steps");
        decide_reality();
        add_needs();
        return std::move(out_);
    }

private:
    void require(std::string_view key) {
        if (keys_.lacks(key)) to_.wrong(keys_.where(), fmt::format("a scenario: '{}' is missing", key));
    }

    void read_head() {
        keys_.with("claim", [&](const auto& node) {
            set(out_.claim, to_.text(node, "claim"));
            if (node.IsScalar() && out_.claim.find_first_not_of(" \t\r\n") == std::string::npos)
                to_.wrong(node, "claim: expected one sentence");
        });
        keys_.with("kind", [&](const auto& node) { set(out_.kind, to_.one_of(node, "kind", demand_words)); });
        read_covers(to_, keys_, out_.covers);
        keys_.with("sections", [&](const auto& node) { out_.sections = to_.texts(node, "sections"); });
        out_.policy = "default";
        keys_.with("policy", [&](const auto& node) { set(out_.policy, to_.name(node, "policy")); });
        keys_.with("proxy_protocol", [&](const auto& node) {
            set(out_.proxy_protocol, to_.yes_no(node, "proxy_protocol"));
            if (out_.proxy_protocol && keys_.has("proxies"))
                to_.wrong(node, "proxy_protocol: is for a scenario with one proxy: who asks another says it in its policy");
        });
    }

    void read_proxies(const YAML::Node& from) {
        if (const auto* policy = keys_.find("policy"))
            to_.wrong(policy->key_node, "policy: has no effect beside proxies, where each has its own");
        out_.policy.clear();
        for (const auto& one : to_.entries(from, "proxies")) {
            if (!is_name(one.key))
                to_.wrong(one.key_node,
                          fmt::format("proxies: '{}' is no name; expected a letter, then letters, digits, '-' or '_'", one.key));
            if (std::ranges::find(to_.origin_names, one.key) != to_.origin_names.end())
                to_.wrong(one.key_node, fmt::format("proxies: '{}' is an origin already", one.key));
            to_.proxy_names.push_back(one.key);
            if (auto policy = to_.name(one.value, fmt::format("proxies: {}", one.key)))
                out_.proxies.push_back({one.key, std::move(*policy)});
        }
        if (from.IsMap() && to_.proxy_names.size() < 2)
            to_.wrong(from, "proxies: expected two or more, such as {front: tier-front, back: tier-back}; for one there is policy");
        if (to_.proxy_names.size() > most_proxies) to_.wrong(from, fmt::format("proxies: expected {} at most", most_proxies));
    }

    void read_time() {
        keys_.with("clock", [&](const auto& node) {
            struct word {
                std::string_view text;
                bool value;
            };
            set(out_.always_real_time, to_.one_of(node, "clock", std::array{word{"real", true}, word{"virtual", false}}));
        });
        if (out_.always_real_time) out_.mode = time_mode::real_time;
        std::vector<std::string> names;
        keys_.with("promises", [&](const auto& node) {
            for (const auto& one : to_.entries(node, "promises")) {
                if (!is_name(one.key))
                    to_.wrong(one.key_node,
                              fmt::format("promises: '{}' is no name; expected a letter, then letters, digits, '-' or '_'", one.key));
                names.push_back(one.key);
                // One that cannot be read stands as 0: what counts in it is then no second problem.
                out_.promises[one.key] = to_.literal_duration(one.value, fmt::format("promises: {}", one.key)).value_or(nanoseconds{0});
            }
        });
        keys_.with("real", [&](const auto& node) { read_real(node, names); });
        if (out_.mode == time_mode::real_time) {
            for (const auto& [name, value] : real_) out_.promises[name] = value;
        }
        to_.promises = out_.promises;
    }

    void read_real(const YAML::Node& from, const std::vector<std::string>& names) {
        if (from.IsScalar()) {
            says_real_ = to_.yes_no(from, "real");
            return;
        }
        for (const auto& one : to_.entries(from, "real")) {
            if (std::ranges::find(names, one.key) == names.end()) {
                to_.not_known(one.key_node, "real: promise", one.key, names);
                continue;
            }
            const auto value = to_.literal_duration(one.value, fmt::format("real: {}", one.key));
            if (!value) continue;
            if (value->count() % 1'000'000'000 != 0 && std::ranges::find(header_durations, one.key) != header_durations.end()) {
                to_.wrong(one.value, fmt::format("real: {}: expected whole seconds, which is what a proxy reads, found {}", one.key,
                                                 format_duration(*value)));
            }
            real_[one.key] = *value;
        }
    }

    void read_names(const std::vector<std::string>& known_rules) {
        read_reasons(to_, keys_, "rules_off", &known_rules, out_.rules_off);
        read_reasons(to_, keys_, "not_for", nullptr, out_.not_for);
        keys_.with("needs", [&](const auto& node) {
            for (const auto& item : to_.list(node, "needs")) {
                auto text = to_.text(item, "needs");
                if (!text) continue;
                if (std::ranges::find(capabilities, *text) == capabilities.end()) to_.not_known(item, "needs", *text, capabilities);
                if (std::ranges::find(out_.needs, *text) == out_.needs.end()) out_.needs.push_back(std::move(*text));
            }
        });
        keys_.with("values", [&](const auto& node) {
            for (const auto& one : to_.entries(node, "values")) {
                if (!is_name(one.key))
                    to_.wrong(one.key_node,
                              fmt::format("values: '{}' is no name; expected a letter, then letters, digits, '-' or '_'", one.key));
                if (to_.promises.contains(one.key)) to_.wrong(one.key_node, fmt::format("values: '{}' is a promise already", one.key));
                if (auto text = to_.text(one.value, fmt::format("values: {}", one.key))) out_.placeholders[one.key] = std::move(*text);
            }
        });
    }

    /// `real: yes` and `real: no` say it outright (the writer does); otherwise everything that a run waits for must be short.
    void decide_reality() {
        const bool short_promises = std::ranges::all_of(
            out_.promises, [&](const auto& one) { return real_.contains(one.first) || one.second <= longest_real_promise; });
        out_.can_be_real = out_.always_real_time || says_real_.value_or(short_promises && to_.longest_wait() <= longest_real_wait);
    }

    void add_needs() {
        const auto add = [this](const char* need) {
            if (std::ranges::find(out_.needs, need) == out_.needs.end()) out_.needs.emplace_back(need);
        };
        for (const auto& step : out_.steps) {
            if (!step.proxy || step.proxy->act == proxy_act::what::stop) continue;
            add(step.proxy->act == proxy_act::what::ban ? "ban" : "reload");
        }
        if (out_.proxy_protocol) add("proxy-protocol");
    }

    reader& to_;
    shape keys_;
    scenario out_;
    std::map<std::string, nanoseconds> real_;
    std::optional<bool> says_real_;
};

}  // namespace

void read_covers(reader& to, const shape& from, std::vector<std::string>& into) {
    from.with("covers", [&](const auto& node) {
        for (const auto& item : to.list(node, "covers")) {
            auto text = to.text(item, "covers");
            if (text && !is_report_item(*text)) {
                to.wrong(item, fmt::format("covers: expected an item of the field reports such as R1.6, found '{}'", *text));
            } else if (text) {
                into.push_back(std::move(*text));
            }
        }
    });
}

void read_reasons(reader& to, const shape& from, std::string_view key, const std::vector<std::string>* known,
                  std::map<std::string, std::string>& into) {
    from.with(key, [&](const auto& node) {
        for (const auto& one : to.entries(node, key)) {
            if (known != nullptr && !known->empty() && std::ranges::find(*known, one.key) == known->end())
                to.not_known(one.key_node, key, one.key, *known);
            auto reason = to.text(one.value, fmt::format("{}: {}", key, one.key));
            if (!reason) continue;
            if (reason->find_first_not_of(" \t\r\n") == std::string::npos)
                to.wrong(one.value, fmt::format("{}: {}: expected the reason", key, one.key));
            into[one.key] = std::move(*reason);
        }
    });
}

std::expected<scenario, std::vector<problem>> read_yaml(std::string_view text, const std::string& file, const std::string& id,
                                                        time_mode mode, const std::vector<std::string>& known_rules, std::uint64_t seed) {
    try {
        const auto document = load_document(text, file);
        if (!document) return std::unexpected(std::vector{document.error()});
        reader to{file, seed};
        auto out = scenario_reader{to, *document, mode}.read(known_rules);
        if (to.any_wrong()) return std::unexpected(to.take_problems());
        out.id = id;
        out.file = file;
        return out;
    } catch (const std::exception& wrong) {
        return std::unexpected(std::vector{problem{{file, 1, 1}, fmt::format("cannot be read: {}", wrong.what())}});
    }
}

}  // namespace badorigin::scenario
