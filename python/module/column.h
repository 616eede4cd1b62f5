// Columns of numbers as Python's buffers: memoryview, array and numpy see the memory itself.
#pragma once

#include "capture/evidence.h"
#include "python/module/module.h"

namespace badorigin::python {

void bind_columns(py::module_& m);

/// One entry a transaction, by name.
py::dict columns_of(const capture::evidence& evidence);

}  // namespace badorigin::python
