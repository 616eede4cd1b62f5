#include "harness/stage/runner.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "harness/judge/judge.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/one_run.h"
#include "harness/stage/priority.h"
#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/driver.h"

namespace badorigin::stage {

namespace {

struct job {
    scenario::scenario script;
    std::string proxy;  ///< specification
    std::string not_applicable;
    std::size_t place = 0;
};

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
            auto scripts = scenario::read_all(file, settings.root, mode, rules, settings.seed);
            if (!scripts) {
                for (const auto& p : scripts.error()) problems += p.text() + "\n";
                break;
            }
            std::string wrong;
            for (auto& script : *scripts) {
                if (settings.wanted && !settings.wanted(script.id)) continue;
                // the cases of a table lack the same policy
                if (const auto more = wrong_queries(script) + missing_policies(script, settings.policies); wrong.find(more) == wrong.npos)
                    wrong += more;
                job next{std::move(script), specification, {}, jobs.size()};
                next.not_applicable = why_not(next.script, *proxy, settings);
                jobs.push_back(std::move(next));
            }
            problems += wrong;
            if (!wrong.empty()) break;
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

void perform_steps(stage& scene, const scenario::scenario& script) {
    for (const auto& step : script.steps) scene.perform(step);
}

/// Scenario → stage → capture → bundle → judge: the verdict is that of the stored bundle, never of what happened in memory.
run_result perform(const job& what, const run_settings& settings, const std::function<void(stage&, const scenario::scenario&)>& act) {
    run_result result;
    result.claim = what.script.claim;
    result.sections = what.script.sections;
    result.file = what.script.file;
    result.verdict.scenario = what.script.id;
    result.verdict.proxy = what.proxy;
    result.verdict.demand = what.script.kind;
    result.evidence = settings.evidence;
    if (!what.not_applicable.empty()) {
        result.verdict.outcome = judge::outcome::not_applicable;
        result.verdict.reason = what.not_applicable;
        return result;
    }
    const auto begun = std::chrono::steady_clock::now();
    result.folder = bundle_folder(settings, what.proxy, what.script.id);
    std::string trouble;
    try {
        clear_bundle(result.folder);
        const bool own_namespace = settings.own_namespaces && !is_shared(what.proxy);
        if (own_namespace) enter_namespace();
        auto proxy = drivers::make_driver(what.proxy, settings.program_directory);
        stage scene(settings_of_stage(settings, what.proxy, result.folder, own_namespace), what.script, *proxy);
        // Not before: starting a proxy may mean compiling for seconds, which must not come before another run's steps.
        std::optional<higher_priority> raised;
        if (what.script.mode == scenario::time_mode::real_time) raised.emplace();
        try {
            act(scene, what.script);
        } catch (const std::exception& e) {
            scene.take_down(e.what());
            throw;
        }
        scene.take_down();
    } catch (const std::exception& e) { trouble = e.what(); }
    conclude(result, trouble, settings.keep);
    result.took = std::chrono::steady_clock::now() - begun;
    return result;
}

void in_a_thread_of_its_own(const std::function<void()>& work) {
    std::exception_ptr broken;
    std::jthread([&] {
        try {
            have_descriptors_of_its_own();
            work();
        } catch (...) { broken = std::current_exception(); }
    }).join();
    if (broken) std::rethrow_exception(broken);
}

}  // namespace

std::vector<run_result> run_all(const run_settings& settings, const progress& tell) {
    const std::vector<job> jobs = plan(settings);
    make_folder(settings.out);
    if (tell.prepared) tell.prepared();
    std::vector<std::optional<run_result>> results(jobs.size());
    // The longest waits begin first, so that a suite takes as long as its longest scenario and not longer.
    std::vector<std::size_t> apart, shared;
    for (std::size_t i = 0; i < jobs.size(); ++i) (is_shared(jobs[i].proxy) ? shared : apart).push_back(i);
    std::stable_sort(apart.begin(), apart.end(), [&](std::size_t a, std::size_t b) { return real_wait(jobs[a]) > real_wait(jobs[b]); });
    std::atomic<std::size_t> next_apart{0}, next_shared{0};
    std::mutex one_teller;
    std::exception_ptr broken;
    const auto perform_all = [&](const std::vector<std::size_t>& order, std::atomic<std::size_t>& next) {
        have_descriptors_of_its_own();
        while (true) {
            const std::size_t turn = next.fetch_add(1);
            if (turn >= order.size() || (settings.interrupt && settings.interrupt->load())) return;
            const std::size_t mine = order[turn];
            if (tell.begun) {
                std::lock_guard hold(one_teller);
                tell.begun(jobs[mine].script.id, jobs[mine].proxy);
            }
            results[mine] = perform(jobs[mine], settings, perform_steps);
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

run_result run_one(const scenario::scenario& script, const std::string& proxy, const run_settings& settings,
                   const std::function<void(stage&)>& act) {
    const auto driver = drivers::make_driver(proxy, settings.program_directory);
    if (const auto wrong = missing_policies(script, settings.policies); !wrong.empty()) throw unreadable(wrong.substr(0, wrong.size() - 1));
    job only{script, proxy, why_not(script, *driver, settings), 0};
    if (!only.not_applicable.empty()) throw drivers::set_up_error(fmt::format("--proxy {}: {}", proxy, only.not_applicable));
    driver->require_startable();
    make_folder(settings.out);
    std::optional<run_result> result;
    in_a_thread_of_its_own([&] { result = perform(only, settings, [&](stage& scene, const scenario::scenario&) { act(scene); }); });
    return std::move(*result);
}

int exit_code(const std::vector<run_result>& results) {
    auto all = judge::outcome::not_applicable;
    for (const auto& r : results) all = judge::worst(all, judge::decisive(r.verdict));
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
