// A loaded policy with its origins: what `load`, `use` and `discard` of the control socket handle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy-under-test/cache/backends.h"
#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache {

struct configuration {
    std::string name;
    std::shared_ptr<const vcl::program> program;
    backend_set backends;
    bool warm = false;          ///< its probes run
    std::uint64_t warmed = 0;   ///< how often they were started: those of an earlier time end themselves
    std::uint64_t retired = 0;  ///< how often another took its place

    configuration(std::string called, std::shared_ptr<const vcl::program> loaded)
        : name(std::move(called)), program(std::move(loaded)), backends(*program) {}
};
using configuration_ptr = std::shared_ptr<configuration>;

/// Reads and checks a VCL file. Throws std::runtime_error with all its errors as text.
configuration_ptr load_configuration(const std::string& name, const std::string& file, vcl::builtin beneath);

}  // namespace badorigin::cache
