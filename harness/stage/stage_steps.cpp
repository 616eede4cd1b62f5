// Steps: clients behind a barrier, acts on origins and on the proxy.
#include <algorithm>

#include <fmt/format.h>

#include "harness/scenario/spelling.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/process.h"

namespace badorigin::stage {

using namespace std::chrono_literals;
using capture::marker;

namespace {

/// In real time a step may begin so long after its instant: half of the 2 s that lie between instants at least.
constexpr nanoseconds lateness_allowed = 1s;

peers::listening listening_for(scenario::origin_act::what act) {
    using what = scenario::origin_act::what;
    switch (act) {
        case what::refuse:
            return peers::listening::refuse;
        case what::ignore:
            return peers::listening::ignore;
        case what::never_read:
            return peers::listening::never_read;
        case what::close_at_once:
            return peers::listening::close_at_once;
        default:
            return peers::listening::accept;
    }
}

}  // namespace

void stage::wait_for_instant(const scenario::step& next) {
    if (!next.at) return;
    nanoseconds due = next.at->offset;
    if (!next.at->step.empty()) due += begun_.at(next.at->step);
    const bool in_time = due > now();
    if (in_time) drive([] { return false; }, due);
    // The run goes on: what is violated before this step stays so, and what comes after it says nothing (the judge sees to that).
    const nanoseconds begins = now();
    if (begins - due > (virtual_time_ ? 0ns : lateness_allowed) && manifest_.late.empty()) {
        manifest_.late_step = next.name;
        manifest_.late = fmt::format(
            "{}:{}: step {} is due at {} but {} {}", next.where.file, next.where.line, next.name, scenario::format_duration(due),
            in_time ? "the machine was too busy to begin it before" : "the step before it was over at", scenario::format_duration(begins));
    }
}

void stage::act_on_origins(const scenario::step& next) {
    using what = scenario::origin_act::what;
    for (const auto& act : next.origins) {
        mark(marker::kind::note, fmt::format("origin {} {}", act.origin, scenario::word_of(scenario::origin_act_words, act.act)));
        if (act.act == what::close_idle || act.act == what::reset_idle) {
            engine_->close_idle(act.origin, act.act == what::reset_idle);
        } else {
            // The port must not be held by a program that another worker starts.
            const auto hold = drivers::hold_shared_descriptors();
            engine_->set_listening(act.origin, listening_for(act.act));
        }
    }
}

bool stage::all_done(const std::vector<client_run>& runs) const {
    return std::all_of(runs.begin(), runs.end(), [&](const client_run& r) { return engine_->state(r.id) != peers::client_state::running; });
}

void stage::run_round(const std::vector<const scenario::client_act*>& acts, int repetition, const scenario::step& next) {
    std::vector<client_run> runs, awaited;
    for (const auto* act : acts) {
        const auto& asked = proxy_of(act->proxy);
        runs.push_back({engine_->start(act->request, asked.host, asked.port, true), act->request.deadline});
    }
    drive([&] { return engine_->all_connected() || all_done(runs); }, now() + 10s);
    for (std::size_t i = 0; i < acts.size(); ++i) {
        const std::string name = repetition > 1 ? fmt::format("{}#{}", acts[i]->name, repetition) : acts[i]->name;
        mark(marker::kind::step_begin, name);
        const std::string& token = engine_->token(runs[i].id);
        const bool may_stay_incomplete = acts[i]->request.sending.header_takes.count() > 0;  // and then shows no token
        if (token.empty() || may_stay_incomplete) {
            mark(marker::kind::note, fmt::format("raw {}={}", name, engine_->local(runs[i].id)));
        } else {
            mark(marker::kind::note, fmt::format("token {}={}", name, token));
        }
        begun_[name] = now();
        if (settings_.keep_received) unheard_.emplace_back(name, runs[i].id);
    }
    if (repetition == 1 && !begun_.contains(next.name)) begun_[next.name] = now();
    engine_->release();
    act_on_origins(next);
    nanoseconds limit = now();
    for (std::size_t i = 0; i < acts.size(); ++i) {
        if (!acts[i]->wait) {
            in_flight_.insert_or_assign(acts[i]->name, runs[i]);
            continue;
        }
        awaited.push_back(runs[i]);
        limit = std::max(limit, now() + runs[i].deadline + 1s);
    }
    if (awaited.empty()) {
        if (virtual_time_) rest_now();
        return;
    }
    drive([&] { return all_done(awaited); }, limit);
    for (const auto* act : acts) {
        if (act->wait) mark(marker::kind::step_end, act->name);
    }
}

void stage::run_clients(const scenario::step& next) {
    int rounds = 1;
    for (const auto& act : next.clients) rounds = std::max(rounds, act.repeat);
    for (int round = 1; round <= rounds; ++round) {
        std::vector<const scenario::client_act*> acts;
        for (const auto& act : next.clients) {
            if (round <= act.repeat) acts.push_back(&act);
        }
        run_round(acts, round, next);
        check_interrupt();
    }
}

void stage::perform(const scenario::step& next) {
    check_interrupt();
    wait_for_instant(next);
    begun_[next.name] = now();
    if (next.proxy) act_on_proxy(*next.proxy);
    if (next.clients.empty()) {
        mark(marker::kind::step_begin, next.name);
        act_on_origins(next);
    } else {
        run_clients(next);
    }
    if (!next.await.empty()) {
        std::vector<client_run> runs;
        nanoseconds limit = now();
        for (const auto& [name, run] : in_flight_) {
            if (next.await != "all" && next.await != name) continue;
            runs.push_back(run);
            limit = std::max(limit, now() + run.deadline + 1s);
        }
        drive([&] { return all_done(runs); }, limit);
    }
    if (next.settle) drive([] { return false; }, now() + *next.settle);
    if (virtual_time_) rest_now();
    sample(next.name);
    check_on_proxies();
    if (const auto unwritten = witness_->error(); !unwritten.empty()) throw run_error("evidence could not be written: " + unwritten);
}

}  // namespace badorigin::stage
