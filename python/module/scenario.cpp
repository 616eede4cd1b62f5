// Scenarios: documents of Python (dict, list, str, bytes, int, float, bool) as YAML, and the model that the one reader makes of YAML.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "harness/judge/judge.h"
#include "harness/scenario/writer.h"
#include "harness/scenario/yaml.h"
#include "harness/stage/runner.h"
#include "proxy-under-test/drivers/driver.h"
#include "python/module/module.h"

namespace badorigin::python {

namespace {

std::string bytes_of(const py::handle& text) {
    return py::cast<std::string>(py::reinterpret_borrow<py::str>(text).attr("encode")("utf-8", "surrogateescape"));
}

/// Free text is quoted, so that no word is taken for a number or for yes; what is no UTF-8 is written as !!binary.
void write(YAML::Emitter& out, const py::handle& value, int depth) {
    if (py::isinstance<py::bool_>(value)) {
        out << (py::cast<bool>(value) ? "yes" : "no");
    } else if (py::isinstance<py::int_>(value)) {
        out << py::cast<std::int64_t>(value);
    } else if (py::isinstance<py::float_>(value)) {
        out << fmt::format("{}", py::cast<double>(value));
    } else if (py::isinstance<py::str>(value)) {
        if (py::hasattr(value, "_plain")) {
            out << bytes_of(value);
        } else {
            scenario::write_text(out, bytes_of(value));
        }
    } else if (py::isinstance<py::bytes>(value)) {
        scenario::write_text(out, py::cast<std::string>(value));
    } else if (py::isinstance<py::dict>(value)) {
        out << (depth >= 3 ? YAML::Flow : YAML::Block) << YAML::BeginMap;
        for (const auto& [key, item] : py::reinterpret_borrow<py::dict>(value)) {
            scenario::write_key(out, bytes_of(key));
            write(out, item, depth + 1);
        }
        out << YAML::EndMap;
    } else if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) {
        out << (depth >= 4 ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
        for (const auto& item : value) write(out, item, depth + 1);
        out << YAML::EndSeq;
    } else {
        throw py::type_error("a scenario holds dict, list, str, bytes, int, float and bool, not " +
                             py::cast<std::string>(py::str(py::type::of(value).attr("__name__"))));
    }
}

std::string write_document(const py::dict& document) {
    YAML::Emitter out;
    write(out, document, 0);
    return std::string{out.c_str(), out.size()} + "\n";
}

scenario::scenario read_scenario(const py::str& yaml, const std::string& file, const std::string& id, bool real_time, std::uint64_t seed) {
    const auto mode = real_time ? scenario::time_mode::real_time : scenario::time_mode::virtual_time;
    auto read = scenario::read_yaml(bytes_of(yaml), file, id, mode, judge::rule_ids(), seed);
    if (read) return std::move(*read);
    std::string problems;
    for (const auto& one : read.error()) problems += (problems.empty() ? "" : "\n") + one.text();
    throw stage::unreadable(problems);
}

bool has_virtual_time(const std::string& proxy, const std::string& programs) {
    return drivers::make_driver(proxy, programs)->can(drivers::capability::virtual_time);
}

std::string why_not_startable(const std::string& proxy, const std::string& programs) {
    try {
        drivers::make_driver(proxy, programs)->require_startable();
        return {};
    } catch (const drivers::set_up_error& e) { return e.what(); }
}

std::string proxy_kind(const std::string& proxy, const std::string& programs) {
    return drivers::make_driver(proxy, programs)->name();
}

}  // namespace

void bind_scenario(py::module_& m) {
    using scenario::scenario;
    py::class_<scenario>(m, "Script")
        .def_property_readonly("id", [](const scenario& s) { return text(s.id); })
        .def_property_readonly("claim", [](const scenario& s) { return text(s.claim); })
        .def_property_readonly("covers", [](const scenario& s) { return texts(s.covers); })
        .def_property_readonly("sections", [](const scenario& s) { return texts(s.sections); })
        .def_property_readonly("policy", [](const scenario& s) { return text(s.policy); })
        .def_property_readonly("file", [](const scenario& s) { return text(s.file); })
        .def_property_readonly("real_time", [](const scenario& s) { return s.mode == badorigin::scenario::time_mode::real_time; })
        .def_property_readonly("promises",
                               [](const scenario& s) {
                                   std::map<std::string, double> all;
                                   for (const auto& [name, value] : s.promises) all[name] = seconds(value);
                                   return all;
                               })
        .def_property_readonly("origins",
                               [](const scenario& s) {
                                   py::list all;
                                   for (const auto& origin : s.origins) all.append(text(origin.name));
                                   return all;
                               })
        .def_property_readonly("steps",
                               [](const scenario& s) {
                                   py::list all;
                                   for (const auto& step : s.steps) all.append(text(step.name));
                                   return all;
                               })
        .def_property_readonly("clients",
                               [](const scenario& s) {
                                   py::list all;
                                   for (std::size_t i = 0; i < s.steps.size(); ++i) {
                                       for (const auto& act : s.steps[i].clients)
                                           all.append(py::make_tuple(i, text(act.name), text(act.request.method), act.repeat, act.wait));
                                   }
                                   return all;
                               })
        .def("yaml", [](const scenario& s) { return text(badorigin::scenario::write_yaml(s)); })
        .def(
            "__eq__",
            [](const scenario& a, scenario b) {
                b.file = a.file;  // where it stands is no part of what it means
                return a == b;
            },
            py::is_operator());
    m.def("write_document", [](const py::dict& document) { return text(write_document(document)); });
    m.def("read_scenario", &read_scenario, py::arg("yaml"), py::arg("file"), py::arg("id"), py::arg("real_time"), py::arg("seed"));
    m.def("find_scenarios", &badorigin::scenario::find_scenarios);
    m.def("ids_in", &badorigin::scenario::ids_in, py::arg("file"), py::arg("root"));
    m.def("near_miss",
          [](const std::string& word, const std::vector<std::string>& known) { return badorigin::scenario::near_miss(word, known); });
    m.def("has_virtual_time", &has_virtual_time);
    m.def("why_not_startable", &why_not_startable);
    m.def("proxy_kind", &proxy_kind);
}

}  // namespace badorigin::python
