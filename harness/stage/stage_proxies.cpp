// The proxies on a stage: one as a rule, or several that ask each other.
//
// Who asked whom must stand in the packets, and a connection's source says nothing: all come from 127.0.0.1. So of several proxies each
// knows everybody by a loopback address of its own, 127.0.0.2 the first, 127.0.0.3 the second, and everybody listens at all of them: the
// address that a connection goes to names who opened it. That works with any proxy, and needs a network namespace nobody else is in.
#include <algorithm>
#include <filesystem>
#include <ranges>

#include <fmt/format.h>

#include "harness/scenario/durations.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/stage.h"

namespace badorigin::stage {

namespace {

constexpr std::uint16_t first_proxy_port = 8080;

/// By which the proxy with that number knows everybody.
std::string address_for(std::size_t proxy) {
    return fmt::format("127.0.0.{}", proxy + 2);
}

}  // namespace

void stage::cast_proxies(drivers::driver& only) {
    if (script_.proxies.empty()) {
        proxies_.push_back({{}, script_.policy.empty() ? "default" : script_.policy, &only, nullptr});
        return;
    }
    for (const auto& one : script_.proxies) {
        auto driver = settings_.another_proxy();
        auto* const driven = driver.get();
        proxies_.push_back({one.name, one.policy, driven, std::move(driver)});
        proxies_.back().port = static_cast<std::uint16_t>(first_proxy_port + proxies_.size());
    }
}

void stage::name_addresses() {
    if (proxies_.size() < 2) {
        for (const auto& [name, port] : ports_) manifest_.roles[fmt::format("127.0.0.1:{}", port)] = "origin:" + name;
        return;
    }
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
        const auto& one = proxies_[i];
        manifest_.askers[address_for(i)] = one.name;
        manifest_.roles[fmt::format("127.0.0.1:{}", one.port)] = "proxy:" + one.name;
        for (const auto& [name, port] : ports_) manifest_.roles[fmt::format("{}:{}", address_for(i), port)] = "origin:" + name;
        for (const auto& other : proxies_) manifest_.roles[fmt::format("{}:{}", address_for(i), other.port)] = "proxy:" + other.name;
    }
}

void stage::know_address() {
    auto& only = proxies_.front();
    const std::string at = only.driver->address();
    const auto colon = at.rfind(':');
    only.host = at.substr(0, colon);
    only.port = static_cast<std::uint16_t>(std::stoi(at.substr(colon + 1)));
    manifest_.roles[at] = "proxy";
}

void stage::start_proxies() {
    // Who is asked before who asks, so that no first health check fails.
    for (std::size_t i = proxies_.size(); i-- > 0;) start(i);
    manifest_.proxy_version = proxies_.front().driver->version();
    if (proxies_.size() < 2) know_address();
    if (!virtual_time_) engine_->start_clock();
    drive([] { return true; }, now());
    sample("start");
}

void stage::start(std::size_t number) {
    auto& one = proxies_[number];
    const bool alone = proxies_.size() < 2;
    const std::string known_by = alone ? "127.0.0.1" : address_for(number);
    drivers::proxy_settings about;
    about.policy_directory = settings_.policies + "/" + one.policy;
    for (const auto& [name, value] : script_.promises) about.placeholders[name] = scenario::format_duration(value);
    for (const auto& [name, value] : script_.placeholders) about.placeholders[name] = value;
    for (const auto& [name, port] : ports_) about.origins[name] = fmt::format("{}:{}", known_by, port);
    for (const auto& other : proxies_)
        if (&other != &one) about.origins[other.name] = fmt::format("{}:{}", known_by, other.port);
    about.listen = fmt::format("{}:{}", alone ? "127.0.0.1" : "0.0.0.0", one.port);
    about.working_directory = std::filesystem::absolute(settings_.folder + (alone ? "/proxy" : "/proxy/" + one.name)).string();
    about.proxy_protocol = script_.proxy_protocol;
    about.virtual_time = virtual_time_;
    about.favoured = !virtual_time_;
    about.wall_start = wall_start_;
    about.planted_bugs = settings_.planted_bugs;
    about.start_deadline = settings_.start_deadline;
    about.stop_deadline = settings_.stop_deadline;
    about.interrupt = settings_.interrupt;
    one.started = true;
    one.driver->start(about);
}

const stage::actor& stage::proxy_of(const std::string& name) const {
    return *std::ranges::find(proxies_, name, &actor::name);
}

void stage::act_on_proxy(const scenario::proxy_act& act) {
    using what = scenario::proxy_act::what;
    auto& driver = *proxies_.front().driver;
    switch (act.act) {
        case what::ban:
            driver.ban(act.argument);
            mark(capture::marker::kind::note, "ban " + act.argument);
            break;
        case what::reload:
            driver.reload(settings_.policies + "/" + act.argument);
            mark(capture::marker::kind::note, "reload " + act.argument);
            break;
        case what::stop:
            mark(capture::marker::kind::note, "stop " + act.argument);
            if (const auto forced = stop(*std::ranges::find(proxies_, act.argument, &actor::name)); !forced.empty())
                throw run_error(forced);
    }
}

/// Returns a sentence when force was needed and it had not died before.
std::string stage::stop(actor& one) {
    if (!one.started) return {};
    check_on(one);
    const std::string forced = one.driver->stop();
    check_on(one);
    const bool died = one.over && !one.stopped;
    one.over = one.stopped = true;
    return died ? std::string() : forced;
}

void stage::sample(const std::string& step) {
    for (const auto& one : proxies_) {
        if (one.stopped || !one.driver->can(drivers::capability::vitals)) continue;
        const auto seen = one.driver->measure();
        capture::vitals_sample s;
        s.step = step;
        s.proxy = one.name;
        s.monotonic = std::chrono::steady_clock::now() - started_;
        s.cpu = seen.cpu;
        s.starved = seen.starved;
        s.resident_bytes = seen.resident_bytes;
        s.descriptors = seen.descriptors;
        s.processes = seen.processes;
        s.alive = seen.alive;
        s.exit = seen.exit;
        samples_.push_back(std::move(s));
    }
}

/// The first that died is told, by its name where there are several.
void stage::check_on(actor& one) {
    if (!one.started || one.over) return;
    const auto crash = one.driver->crashed();
    if (crash.empty()) return;
    one.over = true;
    if (!manifest_.proxy_crash.empty()) return;
    manifest_.proxy_crash = crash;
    manifest_.crashed = one.name;
}

void stage::check_on_proxies() {
    for (auto& one : proxies_) check_on(one);
}

std::string stage::crash() const {
    if (manifest_.proxy_crash.empty()) return {};
    const auto words = proxy_of(manifest_.crashed).driver->last_words();
    return words.empty() ? manifest_.proxy_crash : fmt::format("{}; its last words:\n{}", manifest_.proxy_crash, words);
}

/// Of one that dies meanwhile there is nothing to wait for.
template <class Ask>
void stage::ask(actor& one, Ask what) {
    check_on(one);
    if (!one.started || one.over) {
        one.rest = {};
        return;
    }
    try {
        what(*one.driver);
    } catch (const drivers::set_up_error&) {
        check_on(one);
        if (!one.over) throw;
        one.rest = {};
    }
}

drivers::rest stage::sync_proxies() {
    drivers::rest all;
    for (auto& one : proxies_) {
        ask(one, [&](drivers::driver& driver) { one.rest = driver.sync(); });
        all.activity += one.rest.activity;
        all.unacknowledged += one.rest.unacknowledged;
        if (one.rest.next_timer && (!all.next_timer || *one.rest.next_timer < *all.next_timer)) all.next_timer = one.rest.next_timer;
    }
    return all;
}

/// No timer is due before `to`. What one proxy does there reaches another that must not live in the past: first all clocks, then the
/// timers.
void stage::advance_proxies(nanoseconds to) {
    if (proxies_.size() > 1)
        for (auto& one : proxies_) ask(one, [&](drivers::driver& driver) { driver.set_clock(to); });
    for (auto& one : proxies_) ask(one, [&](drivers::driver& driver) { one.rest = driver.advance(to); });
}

}  // namespace badorigin::stage
