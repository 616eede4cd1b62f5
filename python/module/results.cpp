#include "python/module/results.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "harness/judge/elsewhere.h"
#include "harness/stage/bundle.h"
#include "harness/stage/runner.h"
#include "harness/stage/stage.h"
#include "python/module/module.h"

namespace badorigin::python {

entry_ptr entry_of(stage::run_result&& r) {
    return std::make_shared<report::entry>(report::entry{std::move(r.verdict), std::move(r.claim), std::move(r.file), std::move(r.folder),
                                                         r.took, std::move(r.cited), r.evidence, std::move(r.sections)});
}

namespace {

/// What the console would say of it.
std::string told(const report::entry& what) {
    char* buffer = nullptr;
    std::size_t size = 0;
    std::FILE* out = ::open_memstream(&buffer, &size);
    if (out == nullptr) throw std::bad_alloc();
    {
        report::console console(out, {false, false, false}, 1);
        console.ended(what);
    }
    std::fclose(out);
    std::string all(buffer, size);
    std::free(buffer);
    return all;
}

py::list citations(const judge::finding& f) {
    py::list all;
    for (const auto& c : f.citations) all.append(text(report::citation_text(c)));
    return all;
}

std::vector<report::entry> entries(const std::vector<entry_ptr>& all) {
    std::vector<report::entry> out;
    for (const auto& one : all) out.push_back(*one);
    return out;
}

void require(const std::expected<void, std::string>& written) {
    if (!written) throw stage::run_error(written.error());
}

int exit_code(const std::vector<entry_ptr>& all) {
    auto worst = judge::outcome::not_applicable;
    for (const auto& one : all) worst = judge::worst(worst, judge::decisive(one->verdict));
    return stage::exit_code(worst);
}

entry_ptr judge_bundle(const std::string& folder) {
    std::expected<stage::run_result, std::string> again;
    {
        py::gil_scoped_release others;
        again = stage::judge_again(folder);
    }
    if (!again) throw stage::run_error(again.error());
    return entry_of(std::move(*again));
}

}  // namespace

void bind_results(py::module_& m) {
    using judge::finding;
    py::class_<finding>(m, "Finding")
        .def_property_readonly("claim", [](const finding& f) { return text(f.claim); })
        .def_property_readonly("kind", [](const finding& f) { return judge::name(f.kind); })
        .def_property_readonly("outcome", [](const finding& f) { return judge::name(f.outcome); })
        .def_property_readonly("subject", [](const finding& f) { return text(f.subject); })
        .def_property_readonly("message", [](const finding& f) { return text(f.message); })
        .def_property_readonly("citations", &citations)
        .def("_repr_html_", [](const finding& f) { return text(report::finding_html(f)); });
    using report::entry;
    py::class_<entry, entry_ptr>(m, "Result")
        .def_property_readonly("scenario", [](const entry& e) { return text(e.verdict.scenario); })
        .def_property_readonly("proxy", [](const entry& e) { return text(e.verdict.proxy); })
        .def_property_readonly("outcome", [](const entry& e) { return judge::name(e.verdict.outcome); })
        .def_property_readonly("decisive", [](const entry& e) { return judge::name(judge::decisive(e.verdict)); })
        .def_property_readonly("kind", [](const entry& e) { return judge::name(e.verdict.demand); })
        .def_property_readonly("sections", [](const entry& e) { return texts(e.sections); })
        .def_property_readonly("reason", [](const entry& e) { return text(e.verdict.reason); })
        .def_property_readonly("claim", [](const entry& e) { return text(e.claim); })
        .def_property_readonly("file", [](const entry& e) { return text(e.file); })
        .def_property_readonly("evidence", [](const entry& e) { return text(e.evidence); })
        .def_property_readonly("evidence_kind", [](const entry& e) { return capture::name(e.kind); })
        .def_property_readonly("took", [](const entry& e) { return seconds(e.took); })
        .def_property_readonly("findings", [](const entry& e) { return e.verdict.findings; })
        .def_property_readonly("notes", [](const entry& e) { return texts(e.verdict.notes); })
        .def_property_readonly("wire",
                               [](const entry& e) {
                                   py::list all;
                                   for (const auto& one : e.cited) all.append(text(report::on_the_wire(*one, e.files())));
                                   return all;
                               })
        .def("verdicts", [](const entry& e) { return text(judge::verdicts_json(e.verdict)); })
        .def("citations", [](const entry& e) { return text(judge::citations_json(e.verdict)); })
        .def("report", [](const entry& e) { return text(told(e)); })
        .def("_repr_html_", [](const entry& e) { return text(report::entry_html(e)); });
    m.def("exit_code", &exit_code);
    m.def("judge_bundle", &judge_bundle);
    m.def("html", [](const std::vector<entry_ptr>& all) { return text(report::results_html(entries(all), BADORIGIN_VERSION)); });
    m.def("write_html", [](const std::string& file, const std::vector<entry_ptr>& all) {
        require(report::write_html(file, entries(all), BADORIGIN_VERSION));
    });
    m.def("write_junit",
          [](const std::string& file, const std::vector<entry_ptr>& all) { require(report::write_junit(file, entries(all))); });
    m.def("write_json", [](const std::string& file, const std::vector<entry_ptr>& all) {
        require(report::write_json(file, entries(all), BADORIGIN_VERSION));
    });
}

}  // namespace badorigin::python
