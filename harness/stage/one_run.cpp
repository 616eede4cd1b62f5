#include "harness/stage/one_run.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include "capture/recorder.h"
#include "harness/judge/judge.h"
#include "harness/judge/query.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/bundle.h"
#include "proxy-under-test/drivers/process.h"

namespace badorigin::stage {

namespace fs = std::filesystem;

namespace {

/// A specification as a folder that no shell needs quotes for. What is cut off or replaced is told apart by a number.
std::string folder_name(const std::string& specification) {
    constexpr std::size_t longest = 40;
    std::string name = specification.substr(0, longest);
    std::replace_if(name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c) && c != '.' && c != '-'; }, '_');
    if (name == specification) return name;
    std::uint32_t sum = 2166136261u;  // FNV-1a: the same from build to build
    for (const unsigned char c : specification) sum = (sum ^ c) * 16777619u;
    return fmt::format("{}-{:08x}", name, sum);
}

std::optional<drivers::capability> capability_named(const std::string& name) {
    static const std::map<std::string, drivers::capability> known{
        {"ban", drivers::capability::ban},
        {"reload", drivers::capability::reload},
        {"plant", drivers::capability::plant},
        {"vitals", drivers::capability::vitals},
        {"log", drivers::capability::log},
        {"virtual-time", drivers::capability::virtual_time},
        {"proxy-protocol", drivers::capability::proxy_protocol},
    };
    const auto found = known.find(name);
    return found == known.end() ? std::nullopt : std::optional(found->second);
}

/// The policies of its proxies.
std::vector<std::string> begun_with(const scenario::scenario& script) {
    if (script.proxies.empty()) return {script.policy.empty() ? "default" : script.policy};
    std::vector<std::string> policies;
    for (const auto& one : script.proxies)
        if (std::ranges::find(policies, one.policy) == policies.end()) policies.push_back(one.policy);
    return policies;
}

void write_text(const std::string& file, const std::string& text) {
    errno = 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) throw run_error(fmt::format("evidence could not be written: {}: {}", file, std::strerror(errno)));
}

}  // namespace

std::string why_not(const scenario::scenario& script, const drivers::driver& proxy, const run_settings& settings) {
    if (const auto said = script.not_for.find(proxy.name()); said != script.not_for.end()) return said->second;
    for (const auto& need : script.needs) {
        const auto wanted = capability_named(need);
        if (wanted && !proxy.can(*wanted)) return fmt::format("{} has no {}", proxy.name(), need);
    }
    for (const auto& policy : begun_with(script)) {
        const std::string folder = settings.policies + "/" + policy, file = proxy.policy_file_in(folder);
        if (!file.empty() && !fs::exists(folder + "/" + file)) return fmt::format("policy {} has no {}", policy, file);
    }
    if (!script.proxies.empty()) {
        if (is_shared(proxy.name() + ":")) return "has several proxies, and an address names one";
        if (settings.evidence == capture::evidence_kind::tap)
            return "what one proxy asks another goes past our own sockets: needs a capture";
        if (!settings.own_namespaces) return "has several proxies, which needs a network namespace of its own";
    }
    if (script.mode == scenario::time_mode::real_time && !script.can_be_real)
        return "needs virtual time: its waits are too long, and it gives no real ones";
    return {};
}

std::string wrong_queries(const scenario::scenario& script) {
    std::string problems;
    for (const auto& c : script.conditions) {
        const auto parsed = judge::query::parse(c.query);
        if (!parsed) problems += fmt::format("{}:{}:{}: where: {}\n", c.at.file, c.at.line, c.at.column, parsed.error().text(c.query));
    }
    return problems;
}

std::string missing_policies(const scenario::scenario& script, const std::string& folder) {
    auto named = begun_with(script);
    for (const auto& step : script.steps) {
        if (step.proxy && step.proxy->act == scenario::proxy_act::what::reload) named.push_back(step.proxy->argument);
    }
    std::vector<std::string> known;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) known.push_back(entry.path().filename());
    std::string problems;
    for (const auto& policy : named) {
        if (fs::is_directory(folder + "/" + policy)) continue;
        const auto near = scenario::near_miss(policy, known);
        problems += fmt::format("{}: there is no policy {} in {}{}\n", script.file, policy, folder,
                                near.empty() ? "" : fmt::format("; did you mean {}?", near));
    }
    return problems;
}

bool is_shared(const std::string& proxy) {
    return proxy.starts_with("at:");
}

void make_folder(const std::string& out) {
    std::error_code failed;
    fs::create_directories(out, failed);
    if (failed) throw run_error(fmt::format("--out {}: {}", out, failed.message()));
    if (::access(out.c_str(), W_OK | X_OK) != 0) throw run_error(fmt::format("--out {}: {}", out, std::strerror(errno)));
}

std::string bundle_folder(const run_settings& settings, const std::string& proxy, const std::string& scenario) {
    return fmt::format("{}/{}/{}", settings.out, folder_name(proxy), scenario);
}

void clear_bundle(const std::string& folder) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

void enter_namespace() {
    if (auto entered = capture::enter_fresh_network_namespace(); !entered) throw run_error(entered.error());
}

void have_descriptors_of_its_own() {
    if (!drivers::workers_share_descriptors && ::unshare(CLONE_FILES) != 0)
        throw run_error("a thread cannot have descriptors of its own (unshare CLONE_FILES)");
}

stage_settings settings_of_stage(const run_settings& settings, const std::string& proxy, const std::string& folder, bool own_namespace) {
    stage_settings about;
    about.proxy = proxy;
    about.folder = folder;
    about.policies = settings.policies;
    about.seed = settings.seed;
    about.planted_bugs = settings.planted_bugs;
    about.evidence = settings.evidence;
    about.own_namespace = own_namespace;
    about.start_deadline = settings.start_deadline;
    about.stop_deadline = settings.stop_deadline;
    about.interrupt = settings.interrupt;
    about.tool_version = settings.tool_version;
    about.another_proxy = [proxy, programs = settings.program_directory] { return drivers::make_driver(proxy, programs); };
    return about;
}

void conclude(run_result& result, const std::string& trouble, keep_evidence keep) {
    auto stored = judge_again(result.folder);
    if (stored) {
        result.verdict = std::move(stored->verdict);
        result.cited = std::move(stored->cited);
    }
    if (!trouble.empty() || !stored) {
        result.verdict.outcome = judge::outcome::error;
        result.verdict.reason = !trouble.empty() ? trouble : stored.error();
    }
    std::error_code none;
    if (!fs::exists(result.folder, none)) result.folder.clear();
    try {
        if (stored) {
            write_text(result.folder + "/verdicts.json", judge::verdicts_json(result.verdict));
            write_text(result.folder + "/citations.json", judge::citations_json(result.verdict));
        }
    } catch (const std::exception& e) {
        result.verdict.outcome = judge::outcome::error;
        if (trouble.empty()) result.verdict.reason = e.what();
    }
    const bool good = result.verdict.outcome == judge::outcome::upheld || result.verdict.outcome == judge::outcome::not_applicable;
    if (keep == keep_evidence::never || (keep == keep_evidence::violated && good)) {
        clear_bundle(result.folder);
        result.folder.clear();
    }
}

std::expected<run_result, std::string> judge_again(const std::string& folder) {
    auto stored = judge_bundle(folder);
    if (!stored) return std::unexpected(stored.error());
    run_result result;
    result.claim = stored->scenario.claim;
    result.sections = stored->scenario.sections;
    result.file = stored->scenario.file;
    result.folder = folder;
    result.cited = std::move(stored->verdict.cited);
    result.evidence = stored->evidence.manifest.evidence;
    result.verdict = std::move(stored->verdict);
    return result;
}

}  // namespace badorigin::stage
