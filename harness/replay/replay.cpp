#include "harness/replay/replay.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "harness/replay/told.h"
#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/driver.h"

namespace badorigin::replay {

namespace fs = std::filesystem;

namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

void write(const std::string& file, const std::string& text) {
    errno = 0;
    std::ofstream out(file);
    out << text;
    out.close();
    if (!out) throw stage::run_error(fmt::format("{}: {}", file, std::strerror(errno)));
}

/// A name that a folder and a scenario can have.
std::string id_of(const std::string& capture) {
    fs::path path(capture);
    if (!path.has_filename()) path = path.parent_path();
    std::string id;
    for (const char c : path.stem().string()) {
        const bool fine = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (fine || (!id.empty() && id.back() != '-')) id += fine ? c : '-';
    }
    return "replay-" + (id.empty() ? "capture" : id);
}

}  // namespace

traffic::pace pace_of(const std::string& speed) {
    const auto pace = traffic::parse_pace(speed);
    if (!pace) throw std::invalid_argument(fmt::format("speed {}: expected max or a number from 0.01 to 1000", speed));
    return *pace;
}

std::vector<traffic::storm> storms_of(const std::vector<std::string>& faults) {
    std::vector<traffic::storm> out;
    for (const auto& text : faults) {
        auto storm = traffic::parse_storm(text);
        if (!storm) throw std::invalid_argument(storm.error());
        out.push_back(std::move(*storm));
    }
    return out;
}

std::set<std::string> field_names(const std::vector<std::string>& names) {
    std::set<std::string> out;
    for (const auto& name : names) out.insert(lower(name));
    return out;
}

replayer::replayer(const capture::evidence& then, settings asked) : asked_{std::move(asked)} {
    recording_ = traffic::record(then, asked_.given.origins);
    if (recording_.asks.empty()) {
        const auto& left_out = recording_.left_out;
        throw stage::run_error(fmt::format("nothing to replay from {}: {}", asked_.name,
                                           left_out.empty() ? "it shows no request that is read as HTTP/1.x" : left_out.begin()->first));
    }
    if (!then.incomplete.empty() && then.manifest.evidence != capture::evidence_kind::file) asked_.notes.push_back(then.incomplete.front());
    asked_.notes.insert(asked_.notes.end(), recording_.notes.begin(), recording_.notes.end());
    asked_.run.keep = stage::keep_evidence::always;
    settle_script();
    settle_policy();
}

void replayer::settle_script() {
    const auto& given = asked_.given;
    script_.id = id_of(asked_.capture);
    script_.claim = fmt::format("What was recorded in {} happens again", asked_.name);
    script_.policy = given.policy;
    script_.promises = given.promises;
    script_.placeholders = given.values;
    script_.rules_off = given.rules_off;
    script_.mode = asked_.virtual_time ? scenario::time_mode::virtual_time : scenario::time_mode::real_time;
    script_.always_real_time = !asked_.virtual_time;
    if (asked_.virtual_time) script_.needs.emplace_back("virtual-time");
    for (const auto& name : recording_.origins) script_.origins.push_back({name, {}, peers::listening::accept});
    scenario::step whole;
    whole.name = "replay";
    whole.settle = std::chrono::nanoseconds{0};
    script_.steps.push_back(std::move(whole));
}

/// The policy is a folder of policies/, or a file for the proxies that read such a one.
void replayer::settle_policy() {
    const auto& file = asked_.given.policy;
    if (!fs::is_regular_file(file)) return;
    script_.policy = "given";
    asked_.run.policies = asked_.run.out + "/policies";
    const auto folder = asked_.run.policies + "/given";
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) throw stage::run_error(fmt::format("{}: {}", folder, failed.message()));
    for (const auto& proxy : asked_.run.proxies) {
        const auto read = drivers::make_driver(proxy, asked_.run.program_directory)->policy_file();
        if (read.empty()) continue;  // somebody else has configured it
        if (file.ends_with(".vcl") != read.ends_with(".vcl"))
            throw std::invalid_argument(
                fmt::format("policy {}: {} reads a {}; replay it by itself, or give a folder that has both", file, proxy, read));
        fs::copy_file(file, folder + "/" + read, fs::copy_options::overwrite_existing);
    }
}

stage::playback replayer::playback_of(traffic::answers& answering, const progress& tell) const {
    stage::playback out;
    const auto& asks = recording_.asks;
    for (std::size_t i = 0; i < asks.size(); ++i) {
        out.turns.push_back(
            {asked_.pace.wait(asks[i].at), asked_.pace.wait(asks[i].over_at), 0, asks[i].then->on->id, asks[i].last_on_connection});
        out.over.push_back(i);
    }
    std::ranges::stable_sort(out.over, {}, [&](std::size_t i) { return asks[i].over.number; });
    std::size_t after = 0;
    for (std::size_t i = 0; i < asks.size(); ++i) {
        while (after < out.over.size() && asks[out.over[after]].over.number < asks[i].then->request->first.number) ++after;
        out.turns[i].after = after;
    }
    out.keep_times = asked_.pace.speed.has_value();
    out.request = [&](std::size_t turn) { return answering.request(turn); };
    out.answer = [&](const std::string& origin, const peers::request_facts& asked, std::chrono::nanoseconds now) {
        return std::optional{answering.to(origin, asked, now)};
    };
    out.begin = [&](std::chrono::nanoseconds now) { answering.begin(now); };
    if (tell) out.progress = [&tell, all = asks.size()](std::size_t over) { tell(over, all); };
    return out;
}

replayed replayer::through(const std::string& proxy, const progress& tell) {
    traffic::answers answering(recording_, asked_.pace, asked_.storms);
    const auto what = playback_of(answering, tell);
    replayed out;
    out.proxy = proxy;
    out.run = stage::run_one(script_, proxy, asked_.run, [&](stage::stage& scene) { scene.play(what); });
    out.answers = answering.counts();
    out.outcome = out.run.verdict.outcome;
    if (out.run.folder.empty()) return out;
    if (out.outcome != judge::outcome::error) compare(answering.shift(), out);
    write(out.run.folder + "/replay.json", json_text(replayed_json(out, *this)));
    return out;
}

void replayer::compare(const traffic::date_shift& shift, replayed& out) {
    const auto now = capture::read_bundle(out.run.folder);
    if (!now) throw stage::run_error(now.error());
    out.compared = traffic::compare(recording_, *now, shift, {asked_.pace, asked_.storms, asked_.volatile_fields});
    asked_.allowed.begin_again();
    for (const auto& d : out.compared.differences) {
        const auto* by = asked_.allowed.allow(d, recording_, out.proxy);
        out.differences.push_back({d, by ? by->reason : std::string{}});
        if (!by) ++out.not_allowed;
    }
    for (const auto* entry : asked_.allowed.idle(out.proxy)) out.idle.push_back(entry->reason);
    if (out.not_allowed == 0) return;
    // What is missing from the packets may be what differs.
    out.outcome = judge::worst(out.outcome, now->incomplete.empty() ? judge::outcome::violated : judge::outcome::inconclusive);
}

}  // namespace badorigin::replay
