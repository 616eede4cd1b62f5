// Runs: whole suites, and stages performed step by step.
#include "python/module/session.h"

#include <algorithm>

#include "harness/stage/rights.h"
#include "harness/stage/runner.h"
#include "harness/stage/session.h"
#include "http/reader.h"
#include "python/module/handover_queue.h"
#include "python/module/module.h"
#include "python/module/results.h"

namespace badorigin::python {

namespace {

std::chrono::milliseconds milliseconds_of(double value) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(value));
}

template <class Enum>
Enum word(const std::map<std::string, Enum>& words, const std::string& option, const std::string& given) {
    const auto found = words.find(given);
    if (found != words.end()) return found->second;
    std::string known;
    for (const auto& [name, value] : words) known += (known.empty() ? "" : ", ") + name;
    throw py::value_error(option + ": expected one of " + known + ", not " + given);
}

}  // namespace

stage::run_settings run_settings_of(const py::dict& from, const std::vector<std::string>& proxies) {
    stage::run_settings out;
    std::string keep = "violated", evidence = "libpcap";
    double start = 20, stop = 5;
    take(from, "policies", out.policies);
    take(from, "programs", out.program_directory);
    take(from, "out", out.out);
    take(from, "root", out.root);
    take(from, "seed", out.seed);
    take(from, "jobs", out.jobs);
    take(from, "plant", out.planted_bugs);
    take(from, "keep", keep);
    take(from, "evidence", evidence);
    take(from, "start_deadline", start);
    take(from, "stop_deadline", stop);
    using stage::keep_evidence;
    out.keep = word<keep_evidence>(
        {{"always", keep_evidence::always}, {"violated", keep_evidence::violated}, {"never", keep_evidence::never}}, "keep", keep);
    using capture::evidence_kind;
    out.evidence = word<evidence_kind>({{"libpcap", evidence_kind::libpcap}, {"tap", evidence_kind::tap}}, "evidence", evidence);
    out.start_deadline = milliseconds_of(start);
    out.stop_deadline = milliseconds_of(stop);
    out.tool_version = BADORIGIN_VERSION;
    out.proxies = proxies;
    if (out.evidence == capture::evidence_kind::libpcap) {
        if (const auto why = stage::why_no_capture(proxies); !why.empty()) throw drivers::set_up_error(why);
    }
    out.own_namespaces = stage::can_have_own_namespaces();
    return out;
}

namespace {

/// Runs files against proxies. `told` is called with each result as it comes; what it raises ends the run.
std::vector<entry_ptr> run(const std::vector<std::string>& files, const std::vector<std::string>& proxies, const py::dict& about,
                           const py::object& told) {
    auto settings = run_settings_of(about, proxies);
    settings.scenarios = files;
    std::vector<std::string> only;
    take(about, "only", only);
    if (!only.empty()) settings.wanted = [&only](const std::string& id) { return std::ranges::find(only, id) != only.end(); };
    std::atomic<bool> interrupt{false};
    settings.interrupt = &interrupt;
    std::exception_ptr raised;
    stage::progress tell;
    tell.ended = [&](const stage::run_result& r) {
        const py::gil_scoped_acquire hold;
        if (told.is_none() || raised) return;
        try {
            told(entry_of(stage::run_result(r)));
        } catch (...) {
            raised = std::current_exception();
            interrupt.store(true);
        }
    };
    auto running = std::async(std::launch::async, [&] { return stage::run_all(settings, tell); });
    auto results = wait_for(running, [&] { interrupt.store(true); });
    if (raised) std::rethrow_exception(raised);
    std::vector<entry_ptr> all;
    for (auto& r : results) all.push_back(entry_of(std::move(r)));
    return all;
}

/// What is awaited of a session.
template <class Result>
struct pending {
    std::shared_ptr<stage::session> of;
    std::shared_future<Result> what;
    bool ready(double patience) const {
        py::gil_scoped_release others;
        return what.wait_for(std::chrono::duration<double>(patience)) == std::future_status::ready;
    }
};

py::list heard_of(const std::vector<stage::heard>& all) {
    static const std::map<peers::client_state, const char*> words{{peers::client_state::running, "running"},
                                                                  {peers::client_state::answered, "answered"},
                                                                  {peers::client_state::closed_without_answer, "closed without an answer"},
                                                                  {peers::client_state::refused, "refused"},
                                                                  {peers::client_state::gave_up, "gave up"}};
    py::list out;
    for (const auto& one : all) out.append(py::make_tuple(text(one.step), words.at(one.state), py::bytes(one.bytes)));
    return out;
}

template <class Result, class Convert>
void bind_pending(py::module_& m, const char* name, Convert convert) {
    using one = pending<Result>;
    py::class_<one>(m, name).def("ready", &one::ready, py::arg("patience") = 0.0).def("result", [convert](one& p) {
        while (!p.ready(0.05)) {
            if (PyErr_CheckSignals() == 0) continue;
            py::error_already_set raised;
            p.of->interrupt();
            while (!p.ready(1.0)) {}
            throw raised;
        }
        return convert(p.what.get());
    });
}

}  // namespace

void bind_session(py::module_& m) {
    using stage::session;
    m.def("run", &run, py::arg("files"), py::arg("proxies"), py::arg("settings"), py::arg("told"));
    bind_pending<std::vector<stage::heard>>(m, "PendingSteps", [](const auto& all) { return heard_of(all); });
    bind_pending<stage::run_result>(m, "PendingResult", [](const auto& r) { return entry_of(stage::run_result(r)); });
    // The last owner joins the session's thread, which must not be kept waiting for the GIL.
    const auto deleter = [](session* s) {
        py::gil_scoped_release others;
        delete s;
    };
    py::class_<session, std::shared_ptr<session>>(m, "Session")
        .def(py::init([deleter](const std::string& proxy, const scenario::scenario& begin, const py::dict& about) {
                 return std::shared_ptr<session>(new session(run_settings_of(about, {proxy}), proxy, begin), deleter);
             }),
             py::arg("proxy"), py::arg("begin"), py::arg("settings"))
        .def_property_readonly("not_applicable", &session::not_applicable)
        .def("hand_over",
             [](session& s, const std::string& origin, const std::string& method, const std::string& target,
                const std::shared_ptr<handover_queue>& queue, int key) {
                 s.hand_over(origin, {method, target, {}}, [queue, key](std::shared_ptr<peers::handover> one) { queue->put(key, one); });
             })
        .def("perform", [](const std::shared_ptr<session>& s,
                           const scenario::scenario& longer) { return pending<std::vector<stage::heard>>{s, s->perform(longer).share()}; })
        .def("end", [](const std::shared_ptr<session>& s,
                       const scenario::scenario& last) { return pending<stage::run_result>{s, s->end(last).share()}; })
        .def("interrupt", &session::interrupt);
}

}  // namespace badorigin::python
