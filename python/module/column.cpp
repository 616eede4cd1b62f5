#include "python/module/column.h"

#include <limits>
#include <variant>
#include <vector>

#include "capture/exchange.h"

namespace badorigin::python {

namespace {

struct column {
    std::variant<std::vector<std::int64_t>, std::vector<double>> values;
};

template <class Number>
py::buffer_info info(std::vector<Number>& values) {
    return {values.data(), sizeof(Number), py::format_descriptor<Number>::format(), 1, {values.size()}, {sizeof(Number)}, true};
}

template <class Number, class Value>
void add(py::dict& all, const char* name, const capture::evidence& evidence, Value value) {
    std::vector<Number> values;
    values.reserve(evidence.transactions.size());
    for (const auto& t : evidence.transactions) values.push_back(value(t));
    all[name] = py::cast(column{std::move(values)});
}

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::int64_t status_of(const capture::exchange_ptr& e) {
    return e && e->response ? e->response->message.status : 0;
}

}  // namespace

void bind_columns(py::module_& m) {
    py::class_<column>(m, "Column", py::buffer_protocol())
        .def_buffer([](column& c) { return std::visit([](auto& values) { return info(values); }, c.values); })
        .def_property_readonly("view", [](const py::object& self) { return py::memoryview(self); })
        .def("__len__", [](const column& c) { return std::visit([](const auto& values) { return values.size(); }, c.values); })
        .def("__getitem__", [](const column& c, std::size_t i) {
            return std::visit(
                [i](const auto& values) -> py::object {
                    if (i >= values.size()) throw py::index_error();
                    return py::cast(values[i]);
                },
                c.values);
        });
}

py::dict columns_of(const capture::evidence& evidence) {
    using capture::transaction;
    const auto began = [](const transaction& t) -> const capture::exchange* {
        if (t.client) return t.client.get();
        return t.fetches.empty() || t.fetches.front().attempts.empty() ? nullptr : t.fetches.front().attempts.front().get();
    };
    py::dict all;
    add<double>(all, "time", evidence, [&](const transaction& t) {
        const auto* e = began(t);
        return e && e->request ? seconds(e->request->first.time) : none;
    });
    add<double>(all, "first_byte", evidence, [](const transaction& t) {
        if (!t.client || !t.client->request || !t.client->response) return none;
        return seconds(t.client->response->first.time - t.client->request->last.time);
    });
    add<double>(all, "seconds", evidence, [](const transaction& t) {
        if (!t.client || !t.client->request || !t.client->response) return none;
        return seconds(t.client->response->last.time - t.client->request->first.time);
    });
    add<std::int64_t>(all, "status", evidence, [](const transaction& t) { return status_of(t.client); });
    add<std::int64_t>(all, "fetches", evidence, [](const transaction& t) { return static_cast<std::int64_t>(t.fetches.size()); });
    add<std::int64_t>(all, "attempts", evidence, [](const transaction& t) {
        std::size_t sum = 0;
        for (const auto& f : t.fetches) sum += f.attempts.size();
        return static_cast<std::int64_t>(sum);
    });
    add<std::int64_t>(all, "origin_status", evidence, [](const transaction& t) {
        return t.fetches.empty() || t.fetches.back().attempts.empty() ? 0 : status_of(t.fetches.back().attempts.back());
    });
    add<std::int64_t>(all, "request_content", evidence, [](const transaction& t) {
        return t.client && t.client->request ? static_cast<std::int64_t>(t.client->request->message.content_size) : 0;
    });
    add<std::int64_t>(all, "response_content", evidence, [](const transaction& t) {
        return t.client && t.client->response ? static_cast<std::int64_t>(t.client->response->message.content_size) : 0;
    });
    return all;
}

}  // namespace badorigin::python
