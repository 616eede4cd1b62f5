// Any bytes as a query: never a crash, mistakes have their place in the text, and what parses is evaluated over a group of records.
#include "harness/judge/query.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace badorigin::judge;

namespace {

record_group sample() {
    record_group group;
    int level = 1;
    for (const auto tag : record_tags()) {
        for (const char* value : {"", "200", "-1.5", "Host: example.com", "Resp: 40.5 5.5 0.25", "bereq 3 fetch"}) {
            record r;
            r.tag = tag;
            r.value = value;
            r.level = level;
            group.records.push_back(std::move(r));
        }
        level = level % 3 + 1;
    }
    return group;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto group = sample();
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto parsed = query::parse(text);
    if (parsed) {
        const bool selects = parsed->matches(group);
        const auto opposite = query::parse("not (" + std::string(text) + ")");
        if (opposite && opposite->matches(group) == selects) std::abort();
        return 0;
    }
    const auto& wrong = parsed.error();
    if (wrong.message.empty() || wrong.at > size || wrong.length == 0) std::abort();
    if (wrong.text(text).empty()) std::abort();
    return 0;
}
