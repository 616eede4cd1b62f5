// Policies: loading must end in a program or in errors that say something, and what was loaded must run. Ban expressions likewise.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sched.h>

#include "proxy-under-test/vcl/program.h"

namespace {

using namespace badorigin::cache::vcl;

class empty_context : public context {
public:
    value read(const variable_name& variable) override { return variable.name.ends_with("url") ? value(std::string("/a?b=c")) : value{}; }
    const std::string* held(const variable_name&) override { return nullptr; }
    void write(const variable_name&, const value& to) override { to_string(to); }
    void unset(const variable_name&) override {}
    value call(std::string_view, const std::vector<value>&) override { return {}; }
    void hash_data(std::string_view) override {}
    void synthetic(std::string_view) override {}
    bool ban(std::string_view expression) override { return ban_expression::parse(expression).has_value(); }
    cookie_jar& cookies() override { return jar; }
    cookie_jar jar;
};

void check(bool good) {
    if (!good) std::abort();
}

}  // namespace

/// Without a network the names in acls are not found at once.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) std::fputs("names in acls are looked up on the network\n", stderr);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto ban = ban_expression::parse(text)) ban->matches([](std::string_view) { return std::optional<std::string>("12"); });

    // What is read of the file system would differ from machine to machine. Includes are looked for where there is nothing.
    if (text.find("std.file") != std::string_view::npos || text.find("\"/") != std::string_view::npos) return 0;
    const auto loaded = program::load(std::string(text), "policy.vcl", "/nonexistent");
    if (!loaded) {
        check(!loaded.error().empty());
        for (const auto& each : loaded.error())
            check(!each.message.empty() && each.at.line >= 1 && each.at.column >= 1 && !each.text().empty());
        return 0;
    }
    check(!(*loaded)->backends().empty());
    for (int which = 0; which <= static_cast<int>(subroutine::fini); ++which) {
        empty_context in;
        check((*loaded)->run(static_cast<subroutine>(which), in).what != action::none);
    }
    return 0;
}
