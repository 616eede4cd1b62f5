// What a run, a bundle or a capture was judged to be.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/stage/runner.h"
#include "reports/report.h"

namespace badorigin::python {

/// Shared by everything that looks into it.
using entry_ptr = std::shared_ptr<report::entry>;

entry_ptr entry_of(stage::run_result&& r);

}  // namespace badorigin::python
