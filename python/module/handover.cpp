// Requests that Python answers. The loop's thread never takes the GIL: it puts the request into a queue, a thread of Python takes it out.
#include "fake-backends/handover.h"

#include <condition_variable>
#include <deque>
#include <mutex>

#include "python/module/handover_queue.h"
#include "python/module/module.h"

namespace badorigin::python {

using peers::handover;

void handover_queue::put(int key, std::shared_ptr<handover> what) {
    {
        const std::lock_guard hold(lock_);
        if (closed_) return;
        waiting_.emplace_back(key, std::move(what));
    }
    changed_.notify_one();
}

void handover_queue::close() {
    {
        const std::lock_guard hold(lock_);
        closed_ = true;
    }
    changed_.notify_all();
}

std::optional<std::pair<int, std::shared_ptr<handover>>> handover_queue::next() {
    std::unique_lock hold(lock_);
    changed_.wait(hold, [this] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return std::nullopt;
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
}

namespace {

constexpr std::chrono::milliseconds slice{200};

py::bytes read(handover& of) {
    while (true) {
        std::optional<std::string> got;
        {
            py::gil_scoped_release others;
            got = of.read(slice);
        }
        if (got) return py::bytes(*got);
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
}

/// `time` in seconds of the run's clock; false where the connection has ended meanwhile.
bool sleep(handover& of, double time) {
    std::optional<std::chrono::nanoseconds> left =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(time));
    while (true) {
        {
            py::gil_scoped_release others;
            if (of.sleep(std::exchange(left, std::nullopt), slice)) return !of.gone();
        }
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
}

py::list fields(const handover& of) {
    py::list all;
    for (const auto& [name, value] : of.asked.fields) all.append(py::make_tuple(text(name), text(value)));
    return all;
}

}  // namespace

void bind_handover(py::module_& m) {
    py::class_<handover, std::shared_ptr<handover>>(m, "Handover")
        .def_readonly("origin", &handover::origin)
        .def_readonly("serial", &handover::serial)
        .def_readonly("index", &handover::index)
        .def_property_readonly("method", [](const handover& h) { return text(h.asked.method); })
        .def_property_readonly("target", [](const handover& h) { return text(h.asked.target); })
        .def_property_readonly("fields", &fields)
        .def_property_readonly("gone", &handover::gone)
        .def("read", &read)
        .def("write", [](handover& h, const py::bytes& what) { h.write(what); })
        .def("answer", [](handover& h, const scenario::scenario& script) { h.answer(script.origins.at(0).routes.at(0).replies.at(0)); })
        .def("sleep", &sleep)
        .def("close", &handover::close)
        .def("reset", &handover::reset)
        .def("done", &handover::done);
    py::class_<handover_queue, std::shared_ptr<handover_queue>>(m, "HandoverQueue")
        .def(py::init<>())
        .def("next", &handover_queue::next, py::call_guard<py::gil_scoped_release>())
        .def("close", &handover_queue::close);
}

}  // namespace badorigin::python
