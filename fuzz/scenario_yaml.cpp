// Any bytes as a scenario file: never a crash, and what reads is written so that it reads back as the same value.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harness/scenario/yaml.h"

using namespace badorigin::scenario;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const auto mode : {time_mode::virtual_time, time_mode::real_time}) {
        const auto first = read_yaml(text, "fuzz.yaml", "fuzz", mode);
        if (!first) {
            if (first.error().empty()) std::abort();  // refused without saying why
            continue;
        }
        const auto written = write_yaml(*first);
        const auto second = read_yaml(written, "fuzz.yaml", "fuzz", mode);
        if (!second || *second != *first) {
            std::fprintf(stderr, "%s\n", written.c_str());
            for (const auto& problem : second ? std::vector<badorigin::scenario::problem>{} : second.error())
                std::fprintf(stderr, "%s\n", problem.text().c_str());
            std::abort();
        }
    }
    return 0;
}
