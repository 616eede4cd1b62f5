// badorigin._core: the libraries as Python sees them. python/badorigin/ makes the friendly surface of it.
#include "python/module/module.h"

#include "fake-backends/engine.h"
#include "fake-backends/faults.h"
#include "harness/judge/judge.h"
#include "harness/judge/records.h"
#include "harness/stage/runner.h"
#include "harness/stage/session.h"
#include "proxy-under-test/drivers/driver.h"

namespace badorigin::python {

namespace {

/// In badorigin/errors.py, so that they are classes like any other.
py::object error_class(const char* name) {
    return py::module_::import("badorigin._errors").attr(name);
}

void raise(const char* name, const char* what) {
    PyErr_SetObject(error_class(name).ptr(), text(what).ptr());
}

void translate(std::exception_ptr thrown) {
    try {
        if (thrown) std::rethrow_exception(thrown);
    } catch (const stage::unreadable& e) { raise("ScenarioError", e.what()); } catch (const stage::proxy_crash& e) {
        raise("ProxyCrashed", e.what());
    } catch (const stage::interrupted& e) { raise("Interrupted", e.what()); } catch (const stage::run_error& e) {
        raise("RunError", e.what());
    } catch (const drivers::set_up_error& e) { raise("SetUpError", e.what()); } catch (const peers::set_up_error& e) {
        raise("SetUpError", e.what());
    }
}

py::list fault_catalogue() {
    py::list all;
    for (const auto& row : peers::fault_catalogue())
        all.append(py::make_tuple(row.id, peers::name(row.place), row.on_the_wire, row.breaks, row.who, row.arguments));
    return all;
}

py::list rule_catalogue() {
    py::list all;
    for (const auto& row : judge::rule_catalogue())
        all.append(py::make_tuple(row.id, judge::name(row.kind), row.demands, row.source, row.bugs, judge::name(row.needs)));
    return all;
}

py::list record_tags() {
    py::list all;
    for (const auto tag : judge::record_tags()) all.append(tag);
    return all;
}

}  // namespace

}  // namespace badorigin::python

PYBIND11_MODULE(_core, m) {
    using namespace badorigin::python;
    m.attr("version") = BADORIGIN_VERSION;
    py::register_exception_translator(translate);
    m.def("fault_catalogue", &fault_catalogue);
    m.def("rule_catalogue", &rule_catalogue);
    m.def("record_tags", &record_tags);
    bind_scenario(m);
    bind_evidence(m);
    bind_results(m);
    bind_traffic(m);
    bind_follow(m);
    bind_handover(m);
    bind_session(m);
}
