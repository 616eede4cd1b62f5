// What packets show, as it is handed to Python.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/records.h"
#include "python/module/module.h"
#include "reports/report.h"

namespace badorigin::python {

/// A bundle's evidence, or that of files: then `foreign` says how they were read.
struct capture_of {
    std::shared_ptr<const report::captured> foreign;
    std::shared_ptr<const capture::evidence> evidence;
    std::vector<std::string> paths;  ///< the folder, or the files
    std::map<judge::grouping, std::shared_ptr<const std::vector<judge::record_group>>> groups = {};

    std::vector<std::string> notes() const { return foreign ? foreign->read.all_notes() : std::vector<std::string>{}; }
};

struct transaction_of {
    std::shared_ptr<const capture::evidence> evidence;
    const capture::transaction* what;
};

}  // namespace badorigin::python
