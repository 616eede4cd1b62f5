#include "harness/stage/runner.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include "capture/recorder.h"
#include "harness/judge/cited.h"
#include "harness/judge/judge.h"
#include "harness/judge/query.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/bundle.h"
#include "harness/stage/priority.h"
#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/driver.h"

namespace badorigin::stage {

namespace fs = std::filesystem;

namespace {

struct job {
    scenario::scenario script;
    std::string proxy;  ///< specification
    std::string not_applicable;
    std::size_t place = 0;
};

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
        {"ban", drivers::capability::ban},     {"reload", drivers::capability::reload},
        {"plant", drivers::capability::plant}, {"vitals", drivers::capability::vitals},
        {"log", drivers::capability::log},     {"virtual-time", drivers::capability::virtual_time},
    };
    const auto found = known.find(name);
    return found == known.end() ? std::nullopt : std::optional(found->second);
}

/// Why a scenario says nothing about a proxy; empty: it does.
std::string why_not(const scenario::scenario& script, const drivers::driver& proxy, const std::string& policies) {
    if (const auto said = script.not_for.find(proxy.name()); said != script.not_for.end()) return said->second;
    for (const auto& need : script.needs) {
        const auto wanted = capability_named(need);
        if (wanted && !proxy.can(*wanted)) return fmt::format("{} has no {}", proxy.name(), need);
    }
    const std::string file = proxy.policy_file();
    const std::string policy = script.policy.empty() ? "default" : script.policy;
    if (!file.empty() && !fs::exists(policies + "/" + policy + "/" + file)) return fmt::format("policy {} has no {}", policy, file);
    if (script.mode == scenario::time_mode::real_time && !script.can_be_real)
        return "needs virtual time: its waits are too long, and it gives no real ones";
    return {};
}

/// Conditions whose query cannot be read, a line or more each; empty: all can.
std::string wrong_queries(const scenario::scenario& script) {
    std::string problems;
    for (const auto& c : script.conditions) {
        const auto parsed = judge::query::parse(c.query);
        if (!parsed) problems += fmt::format("{}:{}:{}: where: {}\n", c.at.file, c.at.line, c.at.column, parsed.error().text(c.query));
    }
    return problems;
}

/// Policies that a scenario names, to begin with or to reload, and that there are none of, a line each; empty: all are there.
std::string missing_policies(const scenario::scenario& script, const std::string& folder) {
    std::vector<std::string> named{script.policy.empty() ? "default" : script.policy};
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

std::vector<job> plan(const run_settings& settings) {
    std::vector<job> jobs;
    std::string problems;
    const auto rules = judge::rule_ids();
    for (const auto& file : settings.scenarios) {
        for (const auto& specification : settings.proxies) {
            auto proxy = drivers::make_driver(specification, settings.program_directory);
            if (!settings.planted_bugs.empty() && !proxy->can(drivers::capability::plant)) {
                throw drivers::set_up_error(fmt::format("--plant needs the bundled cache, not {}", specification));
            }
            const auto mode =
                proxy->can(drivers::capability::virtual_time) ? scenario::time_mode::virtual_time : scenario::time_mode::real_time;
            auto script = scenario::read_file(file, settings.root, mode, rules, settings.seed);
            if (!script) {
                for (const auto& p : script.error()) problems += p.text() + "\n";
                break;
            }
            if (const auto wrong = wrong_queries(*script) + missing_policies(*script, settings.policies); !wrong.empty()) {
                problems += wrong;
                break;
            }
            job next{std::move(*script), specification, {}, jobs.size()};
            next.not_applicable = why_not(next.script, *proxy, settings.policies);
            jobs.push_back(std::move(next));
        }
    }
    if (!problems.empty()) {
        problems.pop_back();
        throw unreadable(problems);
    }
    for (const auto& specification : settings.proxies) drivers::make_driver(specification, settings.program_directory)->require_startable();
    return jobs;
}

/// Real time that a scenario waits for sure: its settle periods and the sum of its steps' offsets. An estimate, for ordering only.
std::chrono::nanoseconds real_wait(const job& what) {
    std::chrono::nanoseconds sum{0};
    if (what.script.mode == scenario::time_mode::virtual_time || !what.not_applicable.empty()) return sum;
    for (const auto& step : what.script.steps) {
        if (step.settle) sum += *step.settle;
        if (step.at) sum += step.at->offset;
    }
    return sum;
}

/// Somebody else runs it, in the network namespace that all share, and knows origins by fixed ports: one run after the other.
bool is_shared(const job& what) {
    return what.proxy.starts_with("at:");
}

void make_folder(const std::string& out) {
    std::error_code failed;
    fs::create_directories(out, failed);
    if (failed) throw run_error(fmt::format("--out {}: {}", out, failed.message()));
    if (::access(out.c_str(), W_OK | X_OK) != 0) throw run_error(fmt::format("--out {}: {}", out, std::strerror(errno)));
}

void write_text(const std::string& file, const std::string& text) {
    errno = 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) throw run_error(fmt::format("evidence could not be written: {}: {}", file, std::strerror(errno)));
}

/// Scenario → stage → capture → bundle → judge: the verdict is that of the stored bundle, never of what happened in memory.
run_result perform(const job& what, const run_settings& settings) {
    run_result result;
    result.claim = what.script.claim;
    result.file = what.script.file;
    result.verdict.scenario = what.script.id;
    result.verdict.proxy = what.proxy;
    result.evidence = settings.evidence;
    if (!what.not_applicable.empty()) {
        result.verdict.outcome = judge::outcome::not_applicable;
        result.verdict.reason = what.not_applicable;
        return result;
    }
    const auto begun = std::chrono::steady_clock::now();
    result.folder = fmt::format("{}/{}/{}", settings.out, folder_name(what.proxy), what.script.id);
    std::string trouble;
    try {
        std::error_code ignored;
        fs::remove_all(result.folder, ignored);
        const bool own_namespace = settings.own_namespaces && !is_shared(what);
        if (own_namespace) {
            if (auto entered = capture::enter_fresh_network_namespace(); !entered) throw run_error(entered.error());
        }
        auto proxy = drivers::make_driver(what.proxy, settings.program_directory);
        stage_settings about;
        about.proxy = what.proxy;
        about.folder = result.folder;
        about.policies = settings.policies;
        about.seed = settings.seed;
        about.planted_bugs = settings.planted_bugs;
        about.evidence = settings.evidence;
        about.own_namespace = own_namespace;
        about.start_deadline = settings.start_deadline;
        about.stop_deadline = settings.stop_deadline;
        about.interrupt = settings.interrupt;
        about.tool_version = settings.tool_version;
        stage scene(std::move(about), what.script, *proxy);
        // Not before: starting a proxy may mean compiling for seconds, which must not come before another run's steps.
        std::optional<higher_priority> raised;
        if (what.script.mode == scenario::time_mode::real_time) raised.emplace();
        try {
            for (const auto& step : what.script.steps) scene.perform(step);
        } catch (const std::exception& e) {
            scene.take_down(e.what());
            throw;
        }
        scene.take_down();
    } catch (const std::exception& e) { trouble = e.what(); }
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
    if (settings.keep == keep_evidence::never || (settings.keep == keep_evidence::violated && good)) {
        std::error_code ignored;
        fs::remove_all(result.folder, ignored);
        result.folder.clear();
    }
    result.took = std::chrono::steady_clock::now() - begun;
    return result;
}

}  // namespace

std::expected<run_result, std::string> judge_again(const std::string& folder) {
    auto stored = judge_bundle(folder);
    if (!stored) return std::unexpected(stored.error());
    run_result result;
    result.claim = stored->scenario.claim;
    result.file = stored->scenario.file;
    result.folder = folder;
    result.cited = judge::cited_exchanges(stored->evidence, stored->verdict);
    result.evidence = stored->evidence.manifest.evidence;
    result.verdict = std::move(stored->verdict);
    return result;
}

std::vector<run_result> run_all(const run_settings& settings, const progress& tell) {
    const std::vector<job> jobs = plan(settings);
    make_folder(settings.out);
    if (tell.prepared) tell.prepared();
    std::vector<std::optional<run_result>> results(jobs.size());
    // The longest waits begin first, so that a suite takes as long as its longest scenario and not longer.
    std::vector<std::size_t> apart, shared;
    for (std::size_t i = 0; i < jobs.size(); ++i) (is_shared(jobs[i]) ? shared : apart).push_back(i);
    std::stable_sort(apart.begin(), apart.end(), [&](std::size_t a, std::size_t b) { return real_wait(jobs[a]) > real_wait(jobs[b]); });
    std::atomic<std::size_t> next_apart{0}, next_shared{0};
    std::mutex one_teller;
    std::exception_ptr broken;
    const auto perform_all = [&](const std::vector<std::size_t>& order, std::atomic<std::size_t>& next) {
        // A descriptor table of its own: what another worker's fork copies are never our sockets. Otherwise a child that has not yet
        // reached its exec would hold them open, and a close would send no FIN or RST, a port would stay taken.
#ifndef __SANITIZE_THREAD__  // TSan knows one descriptor table a process, and takes equal numbers in two of them for a race
        if (::unshare(CLONE_FILES) != 0) throw run_error("a thread cannot have descriptors of its own (unshare CLONE_FILES)");
#endif
        while (true) {
            const std::size_t turn = next.fetch_add(1);
            if (turn >= order.size() || (settings.interrupt && settings.interrupt->load())) return;
            const std::size_t mine = order[turn];
            if (tell.begun) {
                std::lock_guard hold(one_teller);
                tell.begun(jobs[mine].script.id, jobs[mine].proxy);
            }
            results[mine] = perform(jobs[mine], settings);
            if (tell.ended) {
                std::lock_guard hold(one_teller);
                tell.ended(*results[mine]);
            }
        }
    };
    const auto work = [&](const std::vector<std::size_t>& order, std::atomic<std::size_t>& next) {
        try {
            perform_all(order, next);
        } catch (...) {
            std::lock_guard hold(one_teller);
            if (!broken) broken = std::current_exception();
        }
    };
    {
        // A thread ends only after its last child: a proxy dies with the thread that started it (PR_SET_PDEATHSIG).
        std::vector<std::jthread> workers;
        if (!shared.empty()) workers.emplace_back(work, std::cref(shared), std::ref(next_shared));
        const std::size_t side_by_side = std::min<std::size_t>(std::max(settings.jobs, 1u), apart.size());
        for (std::size_t i = 0; i < side_by_side; ++i) workers.emplace_back(work, std::cref(apart), std::ref(next_apart));
    }
    if (broken) std::rethrow_exception(broken);
    std::vector<run_result> all;
    for (auto& r : results) {
        if (r) all.push_back(std::move(*r));
    }
    return all;
}

int exit_code(const std::vector<run_result>& results) {
    auto all = judge::outcome::not_applicable;
    for (const auto& r : results) all = judge::worst(all, r.verdict.outcome);
    return exit_code(all);
}

int exit_code(judge::outcome worst) {
    switch (worst) {
        case judge::outcome::error:
            return 2;
        case judge::outcome::violated:
            return 1;
        case judge::outcome::inconclusive:
            return 3;
        default:
            return 0;
    }
}

}  // namespace badorigin::stage
