// What the files of the extension module share. The module binds and converts; what it says and decides is the libraries'.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace badorigin::python {

namespace py = pybind11;

void bind_scenario(py::module_& m);
void bind_evidence(py::module_& m);
void bind_results(py::module_& m);
void bind_traffic(py::module_& m);
void bind_follow(py::module_& m);
void bind_handover(py::module_& m);
void bind_session(py::module_& m);

/// Seconds as Python counts them.
inline double seconds(std::chrono::nanoseconds value) {
    return std::chrono::duration<double>(value).count();
}

/// UTF-8 where it is, the other bytes as surrogate escapes: bytes.decode("utf-8", "surrogateescape") and back lose nothing.
inline py::str text(std::string_view bytes) {
    PyObject* made = PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape");
    if (made == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::str>(made);
}

inline py::list texts(const std::vector<std::string>& all) {
    py::list out;
    for (const auto& one : all) out.append(text(one));
    return out;
}

/// Of keyword arguments; left as it is where there is none of that name.
template <class Target>
void take(const py::dict& from, const char* name, Target& into) {
    if (from.contains(name)) into = py::cast<Target>(from[name]);
}

/// Waits with the GIL released. On Ctrl-C (or whatever a signal's handler raises) calls `interrupt`, waits for the orderly end that
/// follows, and throws what the handler raised.
template <class Result>
Result wait_for(std::future<Result>& what, const std::function<void()>& interrupt) {
    constexpr std::chrono::milliseconds slice{50};
    while (true) {
        {
            py::gil_scoped_release others;
            if (what.wait_for(slice) == std::future_status::ready) break;
        }
        if (PyErr_CheckSignals() != 0) {
            py::error_already_set raised;
            interrupt();
            py::gil_scoped_release others;
            what.wait();
            throw raised;
        }
    }
    return what.get();
}

}  // namespace badorigin::python
