#include "cli/import.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/front.h"
#include "cli/list.h"
#include "harness/judge/judge.h"
#include "harness/scenario/yaml.h"
#include "harness/traffic/traffic.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view first_line = "# Imported by badorigin";

constexpr const char* examples = R"(
Examples:
  badorigin import client.pcap origin.pcap -o shop && badorigin run shop
  badorigin import day.pcap.gz -o shop --policy grace --promise ttl=30s --promise grace=10m
  badorigin import out/bundled/saint/window-lasts-to-its-end -o again --policy saint --promise saint=90s ...)";

struct name_and_text {
    std::string name, text;
};

name_and_text split(const std::string& option, const std::string& given, std::string_view form) {
    const auto equals = given.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == given.size())
        throw std::runtime_error(fmt::format("{} {}: expected {}", option, given, form));
    return {given.substr(0, equals), given.substr(equals + 1)};
}

std::string comment(const import_options& asked, const source& from) {
    return fmt::format("{} from {}.\n# How the proxy was configured cannot be seen in packets: policy {} was assumed (--policy).\n",
                       first_line, from.name, asked.policy);
}

std::string read_text(const fs::path& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// A file of somebody else's is not written over.
void write(const fs::path& file, const std::string& text) {
    if (fs::exists(file) && !read_text(file).starts_with(first_line))
        throw std::runtime_error(fmt::format("{}: is there already and was not imported; give another folder", file.string()));
    errno = 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) throw std::runtime_error(fmt::format("{}: {}", file.string(), std::strerror(errno)));
}

/// What is written must mean what was meant; why it does not, or nothing.
std::string why_unreadable(const scenario::scenario& meant, const std::string& text) {
    const auto read = scenario::read_yaml(text, meant.file, meant.id, scenario::time_mode::virtual_time, judge::rule_ids());
    if (!read) return read.error().front().message;
    return *read == meant ? "" : "it reads back as another";
}

std::size_t exchanges_in(const scenario::scenario& one) {
    std::size_t sum = 0;
    for (const auto& s : one.steps)
        for (const auto& c : s.clients) sum += static_cast<std::size_t>(c.repeat);
    return sum;
}

/// `run` looks for policies above its scenarios first.
bool has_policy(const fs::path& folder, const std::string& policy) {
    for (fs::path at = fs::absolute(folder).lexically_normal(); at.has_relative_path(); at = at.parent_path())
        if (fs::is_directory(at / "policies")) return fs::is_directory(at / "policies" / policy);
    return false;
}

void provide_policy(const import_options& asked) {
    if (asked.policies.empty() && has_policy(asked.out, asked.policy)) return;
    const fs::path from = fs::path(asked.policies.empty() ? "scenarios/policies" : asked.policies) / asked.policy;
    if (!fs::is_directory(from))
        throw std::runtime_error(
            fmt::format("--policy {}: there is no folder {}; say with --policies where policies are", asked.policy, from.string()));
    fs::create_directories(fs::path(asked.out) / "policies");
    fs::copy(from, fs::path(asked.out) / "policies" / asked.policy, fs::copy_options::recursive | fs::copy_options::skip_existing);
}

std::string why_nothing(const import_options& asked, std::size_t exchanges, const std::string& told) {
    const auto from = fmt::format("nothing to import from {}", fmt::join(asked.captures, ", "));
    if (exchanges == 0)
        return fmt::format("{}: it shows no exchange of a client with a proxy; say with --proxy-addr who the proxy is{}", from,
                           told.empty() ? "" : fmt::format(" ({})", told.substr(0, told.find('\n'))));
    const auto left_out = told.find("Left out: ");
    return fmt::format("{}: none of its {} exchanges can be told; {}", from, exchanges,
                       told.substr(left_out, told.find('\n', left_out) - left_out));
}

/// Writes scenarios, and tells what it does.
class writing {
public:
    explicit writing(const import_options& asked) : asked_{asked} {}

    void add(const source& from, traffic::imported&& made) {
        for (const auto& note : from.notes) told_ += note + "\n";
        if (!from.evidence.incomplete.empty() && from.evidence.manifest.evidence != capture::evidence_kind::file)
            told_ += fmt::format("{}: {}\n", from.name, from.evidence.incomplete.front());
        for (const auto& why : made.left_out) told_ += "Left out: " + why + "\n";
        exchanges_ += made.exchanges;
        left_out_ += made.exchanges_left_out;
        secrets_ += made.secrets;
        alike_ += made.alike;
        for (auto& one : made.scenarios) add(from, std::move(one));
    }

    std::string told() const {
        if (scenarios_ == 0) throw std::runtime_error(why_nothing(asked_, exchanges_, told_));
        auto out = told_ + fmt::format("{} of {} exchanges in {} scenarios, {} left out", exchanges_ - left_out_ - alike_, exchanges_,
                                       scenarios_, left_out_);
        if (alike_ > 0) out += fmt::format("; {} more differ from these in their targets alone (--all)", alike_);
        if (secrets_ > 0) out += fmt::format("; {} secrets replaced", secrets_);
        return out + "\n";
    }

private:
    void add(const source& from, scenario::scenario&& one) {
        if (taken_.empty()) make_folder();
        const auto name = one.id;
        for (int n = 2; !taken_.insert(one.id).second; ++n) one.id = fmt::format("{}-{}", name, n);
        one.file = (fs::path(asked_.out) / (one.id + ".yaml")).string();
        const auto text = comment(asked_, from) + scenario::write_yaml(one);
        if (const auto why = why_unreadable(one, text); !why.empty()) {
            told_ += fmt::format("Left out: {}: no scenario file can say it: {}.\n", one.claim, why);
            left_out_ += exchanges_in(one);
            return;
        }
        ++scenarios_;
        write(one.file, text);
        told_ += fmt::format("{}\t{}\n", one.file, one.claim);
    }

    void make_folder() const {
        std::error_code failed;
        fs::create_directories(asked_.out, failed);
        if (failed) throw std::runtime_error(fmt::format("-o {}: {}", asked_.out, failed.message()));
        provide_policy(asked_);
    }

    const import_options& asked_;
    std::size_t scenarios_ = 0, exchanges_ = 0, left_out_ = 0, alike_ = 0, secrets_ = 0;
    std::set<std::string> taken_;
    std::string told_;
};

}  // namespace

traffic::import_settings settings_of(const import_options& asked) {
    traffic::import_settings out;
    out.policy = asked.policy;
    out.keep_secrets = asked.keep_secrets;
    out.most = asked.most;
    out.all = asked.all;
    out.bodies = asked.bodies == "keep"   ? traffic::bodies::keep
                 : asked.bodies == "size" ? traffic::bodies::size
                                          : traffic::bodies::short_text;
    for (const auto& given : asked.promises) {
        const auto [name, text] = split("--promise", given, "NAME=DURATION, such as ttl=30s");
        const auto value = scenario::parse_duration(text);
        if (!value)
            throw std::runtime_error(
                fmt::format("--promise {}: '{}' is no duration; durations are written 30s, 1m30s, 200ms, 2h", given, text));
        out.promises[name] = *value;
    }
    for (const auto& given : asked.values) {
        const auto [name, text] = split("--value", given, "NAME=TEXT");
        out.values[name] = text;
    }
    const auto rules = judge::rule_ids();
    for (const auto& given : asked.rules_off) {
        const auto [name, text] = split("--rule-off", given, "RULE=REASON");
        if (std::ranges::find(rules, name) == rules.end()) {
            const auto near = scenario::near_miss(name, rules);
            throw std::runtime_error(fmt::format("--rule-off {}: there is no such rule{} (see: badorigin list rules)", name,
                                                 near.empty() ? "" : fmt::format("; did you mean {}?", near)));
        }
        out.rules_off[name] = text;
    }
    for (const auto& given : asked.origins) {
        const auto [name, text] = split("--origin", given, "NAME=ADDRESS:PORT, such as app=10.0.0.7:8080");
        out.origins[text] = name;
    }
    return out;
}

void add_policy_options(CLI::App& command, import_options& into) {
    command.add_option("--promise", into.promises, "NAME=DURATION for the policy's placeholder, and to hold the proxy to (repeatable)");
    command.add_option("--value", into.values, "NAME=TEXT for another placeholder (repeatable)");
    command.add_option("--rule-off", into.rules_off, "RULE=REASON: what is configured on purpose (repeatable)");
    command.add_option("--proxy-addr", into.proxies,
                       "Address of the proxy, ADDRESS or ADDRESS:PORT (default: found from the traffic; repeatable)");
}

CLI::App* add_import(CLI::App& app, import_options& into) {
    auto* command = app.add_subcommand("import", "Make scenarios of captured traffic");
    command->add_option("captures", into.captures, "Capture files, which are read as one, or bundles")->required();
    command->add_option("-o,--out", into.out, "Folder for the scenarios")->required();
    command->add_option("--policy", into.policy, "How the proxy was configured: a folder of policies, which packets cannot show")
        ->capture_default_str();
    command->add_option("--policies", into.policies, "Folder of policies (default: above the scenarios, or scenarios/policies)");
    add_policy_options(*command, into);
    command->add_option("--origin", into.origins,
                        "NAME=ADDRESS:PORT: what the policy calls an origin (default: app, app-2, ...; repeatable)");
    command->add_option("--bodies", into.bodies, "keep: as they were; short: short text as it was, the rest by size; size: all by size")
        ->check(CLI::IsMember({"keep", "short", "size"}))
        ->capture_default_str();
    command->add_flag("--all", into.all, "Write scenarios too that differ from another in their targets alone");
    command->add_option("--most", into.most, "Exchanges in a scenario; what follows them in their group is left out")
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    command->add_flag("--keep-secrets", into.keep_secrets, "Write Authorization, Cookie, Set-Cookie and tokens as they are");
    command->footer(examples);
    return command;
}

int import_traffic(const import_options& asked) {
    const auto settings = settings_of(asked);
    catch_interrupts();
    const auto sources = read_sources(asked.captures, asked.proxies);
    writing out{asked};
    for (const auto& from : sources) out.add(from, traffic::import_traffic(from.evidence, settings));
    say(out.told());
    return 0;
}

}  // namespace badorigin::cli
