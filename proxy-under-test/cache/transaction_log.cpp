#include "proxy-under-test/cache/transaction_log.h"

#include <algorithm>
#include <cctype>

namespace badorigin::cache {

namespace {
std::string joined(std::string_view a, std::string_view b) {
    return std::string(a).append(b);
}
bool contains(const field_list& all, const field& one) {
    return std::ranges::any_of(all, [&](const field& f) { return f.name == one.name && f.value == one.value; });
}
}  // namespace

transaction_log::transaction_log(record_log& to, const clock& time, std::uint64_t number, std::string_view kind, std::uint64_t parent,
                                 std::string_view why)
    : to_(to), time_(time), number_(number), side_(kind == "bereq" ? 'b' : 'c'), begun_(time.now()), last_(begun_) {
    tell("Begin", "{} {} {}", kind, parent, why);
}

void transaction_log::called(std::string_view subroutine) {
    if (!wanted()) return;
    std::string name(subroutine.substr(subroutine.starts_with("vcl_") ? 4 : 0));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    add("VCL_call", name);
}

void transaction_log::stamp(std::string_view event) {
    if (!wanted()) return;
    const auto now = time_.now();
    const auto micros = std::chrono::floor<std::chrono::microseconds>(now).count();
    tell("Timestamp", "{}: {}.{:06} {:.6f} {:.6f}", event, micros / 1'000'000, micros % 1'000'000, seconds_of(now - begun_),
         seconds_of(now - last_));
    last_ = now;
}

void transaction_log::add_head(std::string_view of, const request_head& head) {
    if (!wanted()) return;
    add(joined(of, "Method"), head.method);
    add(joined(of, "URL"), head.target);
    add(joined(of, "Protocol"), version_text(head.version));
    for (const auto& [name, value] : head.fields) add_field(of, "Header", name, value);
}

void transaction_log::add_head(std::string_view of, const response_head& head) {
    if (!wanted()) return;
    add(joined(of, "Protocol"), version_text(head.version));
    add(joined(of, "Status"), std::to_string(head.status));
    add(joined(of, "Reason"), head.reason);
    for (const auto& [name, value] : head.fields) add_field(of, "Header", name, value);
}

void transaction_log::add_field(std::string_view of, std::string_view what, std::string_view name, std::string_view value) {
    if (wanted()) tell(joined(of, what), "{}: {}", name, value);
}

void transaction_log::add_changes(std::string_view of, const field_list& before, const field_list& after) {
    if (!wanted()) return;
    for (const auto& each : before)
        if (!contains(after, each)) add_field(of, "Unset", each.name, each.value);
    for (const auto& each : after)
        if (!contains(before, each)) add_field(of, "Header", each.name, each.value);
}

void transaction_log::end() {
    add("End");
    ended_ = true;
}

}  // namespace badorigin::cache
