// The functions of module std that depend on nothing but their arguments.
#pragma once

#include "proxy-under-test/vcl/table.h"

namespace badorigin::cache::vcl::pure {

// clang-format off
value round(arguments);      value querysort(arguments);  value toupper(arguments);       value tolower(arguments);
value strstr(arguments);     value fnmatch(arguments);    value file_exists(arguments);   value fileread(arguments);
value getenv(arguments);     value duration(arguments);   value bytes(arguments);         value integer(arguments);
value real(arguments);       value time(arguments);       value strftime(arguments);      value ip(arguments);
value real2integer(arguments); value real2time(arguments); value time2integer(arguments); value time2real(arguments);
value port(arguments);       value format_date(arguments);
// clang-format on

}  // namespace badorigin::cache::vcl::pure
