// What packets show: messages, exchanges, transactions, records. Everything that is handed out keeps the evidence that it belongs to.
#include "python/module/evidence.h"

#include <fmt/format.h>

#include "capture/foreign.h"
#include "harness/judge/foreign_verdict.h"
#include "harness/judge/query.h"
#include "harness/judge/records.h"
#include "harness/stage/stage.h"
#include "http/reader.h"
#include "python/module/column.h"
#include "python/module/module.h"
#include "python/module/results.h"
#include "reports/log.h"
#include "reports/report.h"

namespace badorigin::python {

namespace {

struct exchange_of {
    std::shared_ptr<const capture::evidence> evidence;
    capture::exchange_ptr what;
};
struct fetch_of {
    std::shared_ptr<const capture::evidence> evidence;
    const capture::fetch* what;
};
struct group_of {
    std::shared_ptr<const std::vector<judge::record_group>> all;
    const judge::record_group* what;
};

std::optional<exchange_of> one_of(const std::shared_ptr<const capture::evidence>& evidence, const capture::exchange_ptr& e) {
    return e ? std::optional(exchange_of{evidence, e}) : std::nullopt;
}

py::list pairs(const http::fields& all) {
    py::list out;
    for (const auto& one : all) out.append(py::make_tuple(text(one.name), text(one.value)));
    return out;
}

void bind_messages(py::module_& m) {
    using http::message;
    py::class_<message>(m, "Message")
        .def_property_readonly("method", [](const message& s) { return text(s.method); })
        .def_property_readonly("target", [](const message& s) { return text(s.target); })
        .def_readonly("status", &message::status)
        .def_property_readonly("reason", [](const message& s) { return text(s.reason); })
        .def_property_readonly("version", [](const message& s) { return fmt::format("{}.{}", s.version.major, s.version.minor); })
        .def_property_readonly("fields", [](const message& s) { return pairs(s.fields); })
        .def_property_readonly("trailers", [](const message& s) { return pairs(s.trailers); })
        .def_property_readonly("framing", [](const message& s) { return http::name(s.framing); })
        .def_property_readonly("content", [](const message& s) { return py::bytes(s.content_start); })
        .def_readonly("content_size", &message::content_size)
        .def_readonly("complete", &message::complete)
        .def_readonly("header_complete", &message::header_complete)
        .def_property_readonly("offset", [](const message& s) { return s.begin; })
        .def_property_readonly("anomalies",
                               [](const message& s) {
                                   py::list all;
                                   for (const auto& a : s.anomalies) all.append(py::make_tuple(http::name(a.what), a.offset));
                                   return all;
                               })
        .def("field", [](const message& s, const std::string& name) -> py::object {
            const auto value = http::first(s.fields, name);
            return value ? py::object(text(*value)) : py::none();
        });
}

struct collected : http::reader_sink {
    std::vector<http::message> all;
    void on_begin(http::stream_offset) override {}
    void on_header(const http::message&) override {}
    void on_end(http::message&& whole) override { all.push_back(std::move(whole)); }
    void on_stray(http::stream_offset, http::anomaly) override {}
};

/// Responses that stand in `bytes`, interim ones too, the last to a request of that method. `closed`: nothing comes behind them.
std::vector<http::message> read_responses(const std::string& bytes, const std::string& method, bool closed) {
    collected into;
    http::reader_limits limits;
    limits.keep_content = bytes.size();
    http::reader reader(http::direction::response, into, limits);
    reader.expect_response_to(method);
    reader.feed(bytes);
    reader.end(closed ? http::stream_end::fin : http::stream_end::capture_ended);
    return std::move(into.all);
}

std::optional<http::message> message_of(const std::optional<capture::seen_message>& seen) {
    return seen ? std::optional(seen->message) : std::nullopt;
}

void bind_exchanges(py::module_& m) {
    py::class_<exchange_of>(m, "Exchange")
        .def_property_readonly("id", [](const exchange_of& e) { return e.what->id; })
        .def_property_readonly("connection", [](const exchange_of& e) { return e.what->on ? e.what->on->id : 0; })
        .def_property_readonly("client", [](const exchange_of& e) { return e.what->on ? e.what->on->client.text() : std::string(); })
        .def_property_readonly("server", [](const exchange_of& e) { return e.what->on ? e.what->on->server.text() : std::string(); })
        .def_property_readonly("server_name", [](const exchange_of& e) { return e.what->on ? e.what->on->server_name : std::string(); })
        .def_property_readonly("index", [](const exchange_of& e) { return e.what->index; })
        .def_property_readonly("reused", [](const exchange_of& e) { return e.what->index > 0; })
        .def_property_readonly("idle_before", [](const exchange_of& e) { return seconds(e.what->idle_before); })
        .def_property_readonly("gap", [](const exchange_of& e) { return e.what->gap; })
        .def_property_readonly("token", [](const exchange_of& e) { return text(e.what->token); })
        .def_property_readonly("serial", [](const exchange_of& e) { return text(e.what->serial); })
        .def_property_readonly("request", [](const exchange_of& e) { return message_of(e.what->request); })
        .def_property_readonly("response", [](const exchange_of& e) { return message_of(e.what->response); })
        .def_property_readonly("interim",
                               [](const exchange_of& e) {
                                   std::vector<http::message> all;
                                   for (const auto& one : e.what->interim) all.push_back(one.message);
                                   return all;
                               })
        .def_property_readonly("frames",
                               [](const exchange_of& e) {
                                   std::vector<capture::frame_number> all;
                                   if (e.what->request) all = e.what->request->frames;
                                   if (e.what->response)
                                       all.insert(all.end(), e.what->response->frames.begin(), e.what->response->frames.end());
                                   return all;
                               })
        .def_property_readonly("time",
                               [](const exchange_of& e) {
                                   const auto& first = e.what->request ? e.what->request->first : e.what->response->first;
                                   return seconds(first.time);
                               })
        .def_property_readonly("wire", [](const exchange_of& e) { return text(report::on_the_wire(*e.what, e.evidence.get())); })
        .def("_repr_html_", [](const exchange_of& e) { return text(report::exchange_html(*e.what, e.evidence.get())); })
        .def("__eq__", [](const exchange_of& a, const exchange_of& b) { return a.what == b.what; })
        .def("__hash__", [](const exchange_of& e) { return e.what->id; });
    py::class_<fetch_of>(m, "Fetch")
        .def_property_readonly("attempts",
                               [](const fetch_of& f) {
                                   std::vector<exchange_of> all;
                                   for (const auto& one : f.what->attempts) all.push_back({f.evidence, one});
                                   return all;
                               })
        .def_property_readonly("joined", [](const fetch_of& f) { return capture::name(f.what->joined); })
        .def_property_readonly("by", [](const fetch_of& f) { return f.what->by; });
    py::class_<transaction_of>(m, "Transaction")
        .def_property_readonly("client", [](const transaction_of& t) { return one_of(t.evidence, t.what->client); })
        .def_property_readonly("delivered_from", [](const transaction_of& t) { return one_of(t.evidence, t.what->delivered_from); })
        .def_property_readonly("fetches",
                               [](const transaction_of& t) {
                                   std::vector<fetch_of> all;
                                   for (const auto& one : t.what->fetches) all.push_back({t.evidence, &one});
                                   return all;
                               })
        .def("row", [](const transaction_of& t) { return text(report::row_json(*t.evidence, *t.what)); });
}

std::shared_ptr<const std::vector<judge::record_group>> grouped(capture_of& c, judge::grouping by) {
    auto& made = c.groups[by];
    if (!made) {
        py::gil_scoped_release others;
        made = std::make_shared<const std::vector<judge::record_group>>(judge::group_records(*c.evidence, by));
    }
    return made;
}

judge::grouping grouping_of(const std::string& name) {
    if (const auto by = judge::grouping_named(name)) return *by;
    throw py::value_error("group: expected raw, vxid, request or session, not " + name);
}

judge::query query_of(const std::string& asked) {
    auto parsed = judge::query::parse(asked);
    if (!parsed) throw py::value_error(parsed.error().text(asked));
    return std::move(*parsed);
}

/// Indices of the groups that a query selects; a slice of them, so that nobody who wants the first waits for all.
std::vector<std::size_t> select(const std::shared_ptr<const std::vector<judge::record_group>>& groups, const judge::query& q,
                                std::size_t from, std::size_t to) {
    py::gil_scoped_release others;
    std::vector<std::size_t> out;
    for (std::size_t i = from; i < std::min(to, groups->size()); ++i) {
        if (q.matches((*groups)[i])) out.push_back(i);
    }
    return out;
}

struct groups_of {
    std::shared_ptr<const capture::evidence> evidence;
    std::shared_ptr<const std::vector<judge::record_group>> all;
};

void bind_records(py::module_& m) {
    py::class_<judge::query>(m, "Query").def(py::init(&query_of));
    py::class_<groups_of>(m, "Groups")
        .def("__len__", [](const groups_of& g) { return g.all->size(); })
        .def("__getitem__",
             [](const groups_of& g, std::size_t i) {
                 if (i >= g.all->size()) throw py::index_error();
                 return group_of{g.all, &(*g.all)[i]};
             })
        .def("select",
             [](const groups_of& g, const judge::query& q, std::size_t from, std::size_t to) { return select(g.all, q, from, to); });
    py::class_<group_of>(m, "Group")
        .def_property_readonly("id", [](const group_of& g) { return g.what->id; })
        .def_property_readonly("records",
                               [](const group_of& g) {
                                   py::list all;
                                   for (const auto& r : g.what->records)
                                       all.append(py::make_tuple(r.level, r.tag, text(r.value), r.side, r.exchange, r.frame));
                                   return all;
                               })
        .def("__str__", [](const group_of& g) { return text(report::varnish_text(*g.what)); });
}

capture_of read_bundle(const std::string& folder) {
    std::expected<capture::evidence, std::string> read;
    {
        py::gil_scoped_release others;
        read = capture::read_bundle(folder);
    }
    if (!read) throw stage::run_error(read.error());
    return {nullptr, std::make_shared<const capture::evidence>(std::move(*read)), {folder}};
}

capture_of read_files(const std::vector<std::string>& files, const std::vector<std::string>& proxies) {
    std::atomic<bool> stop{false};
    capture::foreign_settings settings;
    settings.proxies = proxies;
    settings.progress = [&](std::uint64_t, std::uint64_t) { return !stop.load(); };
    auto reading = std::async(std::launch::async, [&] { return capture::read_foreign(files, settings); });
    auto read = wait_for(reading, [&] { stop.store(true); });
    if (!read) throw stage::run_error(read.error());
    auto all = std::make_shared<report::captured>();
    all->read = std::move(*read);
    return {all, {all, &all->read.evidence}, files};
}

entry_ptr verify(const capture_of& c, const scenario::scenario* promised, bool advice) {
    if (!c.foreign)
        throw stage::run_error("verify: a bundle is judged by judge(), with its scenario; verify is for captures made elsewhere");
    if (const auto why = judge::why_nothing_to_judge(c.foreign->read); !why.empty()) throw stage::run_error(why);
    py::gil_scoped_release others;
    const auto begun = std::chrono::steady_clock::now();
    auto about = std::make_shared<report::captured>(*c.foreign);
    about->bodies = judge::follow_bodies(about->read.evidence);
    auto out = std::make_shared<report::entry>();
    out->verdict = judge::judge_foreign(about->read, promised ? *promised : scenario::scenario{}, advice);
    out->claim = judge::claim_of_captures;
    out->cited = std::move(out->verdict.cited);
    out->kind = about->read.evidence.manifest.evidence;
    out->took = std::chrono::steady_clock::now() - begun;
    out->capture = std::move(about);
    return out;
}

}  // namespace

void bind_evidence(py::module_& m) {
    bind_messages(m);
    bind_exchanges(m);
    bind_records(m);
    bind_columns(m);
    m.def("read_responses", &read_responses, py::arg("bytes"), py::arg("method"), py::arg("closed"));
    py::class_<capture_of>(m, "Capture")
        .def("__len__", [](const capture_of& c) { return c.evidence->transactions.size(); })
        .def("__getitem__",
             [](const capture_of& c, std::size_t i) {
                 if (i >= c.evidence->transactions.size()) throw py::index_error();
                 return transaction_of{c.evidence, &c.evidence->transactions[i]};
             })
        .def_property_readonly("exchange_count", [](const capture_of& c) { return c.evidence->exchanges.size(); })
        .def("exchange",
             [](const capture_of& c, std::size_t i) {
                 if (i >= c.evidence->exchanges.size()) throw py::index_error();
                 return exchange_of{c.evidence, c.evidence->exchanges[i]};
             })
        .def_property_readonly("frames", [](const capture_of& c) { return c.evidence->frames; })
        .def_property_readonly("incomplete", [](const capture_of& c) { return texts(c.evidence->incomplete); })
        .def_property_readonly("notes", [](const capture_of& c) { return texts(c.notes()); })
        .def_property_readonly("proxies",
                               [](const capture_of& c) { return c.foreign ? c.foreign->read.proxies : std::vector<std::string>{}; })
        .def("groups", [](capture_of& c, const std::string& by) { return groups_of{c.evidence, grouped(c, grouping_of(by))}; })
        .def("columns", [](const capture_of& c) { return columns_of(*c.evidence); })
        .def("verify", &verify, py::arg("promised").none(true), py::arg("advice"));
    m.def("read_bundle", &read_bundle);
    m.def("read_files", &read_files, py::arg("files"), py::arg("proxies"));
}

}  // namespace badorigin::python
