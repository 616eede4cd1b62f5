// Keyword arguments of everything that runs.
#pragma once

#include "harness/stage/runner.h"
#include "python/module/module.h"

namespace badorigin::python {

/// Throws drivers::set_up_error without the right to capture, ValueError.
stage::run_settings run_settings_of(const py::dict& from, const std::vector<std::string>& proxies);

}  // namespace badorigin::python
