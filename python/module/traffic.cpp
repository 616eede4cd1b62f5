// Captured traffic made to happen again: as scenarios, or played by its own clock.
#include "harness/traffic/traffic.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "harness/replay/told.h"
#include "harness/scenario/yaml.h"
#include "python/module/evidence.h"
#include "python/module/module.h"
#include "python/module/results.h"
#include "python/module/session.h"

namespace badorigin::python {

namespace {

traffic::import_settings settings_of(const py::dict& about) {
    traffic::import_settings out;
    std::map<std::string, std::string> promises;
    take(about, "policy", out.policy);
    take(about, "values", out.values);
    take(about, "origins", out.origins);
    take(about, "rules_off", out.rules_off);
    take(about, "keep_secrets", out.keep_secrets);
    take(about, "all", out.all);
    take(about, "most", out.most);
    take(about, "promises", promises);
    for (const auto& [name, given] : promises) {
        const auto value = scenario::parse_duration(given);
        if (!value) throw py::value_error("promises: " + name + ": '" + given + "' is no duration such as 30s or 200ms");
        out.promises[name] = *value;
    }
    return out;
}

py::tuple import_traffic(const capture_of& c, const py::dict& about) {
    const auto settings = settings_of(about);
    traffic::imported made;
    {
        py::gil_scoped_release others;
        made = traffic::import_traffic(*c.evidence, settings);
    }
    return py::make_tuple(py::cast(std::move(made.scenarios)), py::cast(made.left_out));
}

replay::settings replay_settings_of(const capture_of& c, const std::string& proxy, const py::dict& about, const py::dict& run) {
    replay::settings out;
    std::string speed = "1", allow_file, allow_text;
    std::vector<std::string> faults, volatile_fields;
    out.given = settings_of(about);
    take(about, "speed", speed);
    take(about, "virtual_time", out.virtual_time);
    take(about, "faults", faults);
    take(about, "volatile", volatile_fields);
    take(about, "allow_file", allow_file);
    take(about, "allow_text", allow_text);
    out.pace = replay::pace_of(speed);
    out.storms = replay::storms_of(faults);
    out.volatile_fields = replay::field_names(volatile_fields);
    if (!allow_file.empty()) out.allowed = replay::allowed_differences::read(allow_file);
    if (!allow_text.empty()) out.allowed = replay::allowed_differences::parse(allow_text, "allow");
    out.capture = c.paths.front();
    out.name = fmt::format("{}", fmt::join(c.paths, ", "));
    out.notes = c.notes();
    out.run = run_settings_of(run, {proxy});
    return out;
}

/// What is left of a replay when the recording is no longer needed.
struct replay_of {
    entry_ptr judged;
    judge::outcome outcome;
    std::string json, report;
};

/// Called ten times a second at most, and what it raises ends the replay.
class teller {
public:
    teller(const py::object& told, std::atomic<bool>& interrupt) : told_{told}, interrupt_{interrupt} {}

    void operator()(std::size_t over, std::size_t all) {
        const auto now = std::chrono::steady_clock::now();
        if (now < next_ && over < all) return;
        next_ = now + std::chrono::milliseconds(100);
        const py::gil_scoped_acquire hold;
        if (raised) return;
        try {
            told_(over, all);
        } catch (...) {
            raised = std::current_exception();
            interrupt_.store(true);
        }
    }
    std::exception_ptr raised;

private:
    const py::object& told_;
    std::atomic<bool>& interrupt_;
    std::chrono::steady_clock::time_point next_{};
};

replay_of play(const capture_of& c, const std::string& proxy, const py::dict& about, const py::dict& run, const py::object& told) {
    std::atomic<bool> interrupt{false};
    auto settings = replay_settings_of(c, proxy, about, run);
    settings.run.interrupt = &interrupt;
    teller tell(told, interrupt);
    auto playing = std::async(std::launch::async, [&] {
        replay::replayer recorded(*c.evidence, std::move(settings));
        auto one = recorded.through(proxy, told.is_none() ? replay::progress{} : std::ref(tell));
        replay_of out{nullptr, one.outcome, replay::json_text(replayed_json(one, recorded)),
                      recording_text(recorded) + replayed_text(one, recorded)};
        out.judged = entry_of(std::move(one.run));
        return out;
    });
    auto out = wait_for(playing, [&] { interrupt.store(true); });
    if (tell.raised) std::rethrow_exception(tell.raised);
    return out;
}

}  // namespace

void bind_traffic(py::module_& m) {
    py::class_<replay_of>(m, "Replay")
        .def_property_readonly("outcome", [](const replay_of& r) { return judge::name(r.outcome); })
        .def_property_readonly("judged", [](const replay_of& r) { return r.judged; })
        .def("json", [](const replay_of& r) { return text(r.json); })
        .def("report", [](const replay_of& r) { return text(r.report); });
    m.def("import_traffic", &import_traffic, py::arg("capture"), py::arg("settings"));
    m.def("replay", &play, py::arg("capture"), py::arg("proxy"), py::arg("about"), py::arg("run"), py::arg("told"));
}

}  // namespace badorigin::python
