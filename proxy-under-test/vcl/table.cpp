#include "proxy-under-test/vcl/table.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "proxy-under-test/vcl/variable_number.h"

namespace badorigin::cache::vcl {

namespace {

using enum subroutine;
using takes = action_rule::takes;
constexpr places with_response = in(backend_response) | in(backend_error);
constexpr places ends_with_deliver = in(hit) | in(deliver) | in(synth) | with_response;

constexpr std::array table_of_actions{
    action_rule{"hash", action::hash, in(recv), takes::nothing, "look the request up by its key"},
    action_rule{"lookup", action::lookup, in(hash), takes::nothing, "the key is complete"},
    action_rule{"pass", action::pass, in(recv) | in(hit) | in(miss) | in(backend_response), takes::optional_duration,
                "do not store the response; from vcl_backend_response: nor others for this key, as long as is said"},
    action_rule{"pipe", action::pipe, in(recv) | in(pipe), takes::nothing, "connect client and origin byte by byte"},
    action_rule{"purge", action::purge, in(recv), takes::nothing, "drop what is stored under this key"},
    action_rule{"deliver", action::deliver, ends_with_deliver, takes::nothing, "use the response"},
    action_rule{"fetch", action::fetch, in(miss) | in(pass) | in(backend_fetch), takes::nothing, "ask the origin"},
    action_rule{"restart", action::restart, client_side & ~(in(hash) | in(pipe)), takes::nothing,
                "begin again with the request as it is now"},
    action_rule{"synth", action::synth, client_side & ~(in(hash) | in(synth)), takes::status_and_reason,
                "answer with a response made in vcl_synth"},
    action_rule{"retry", action::retry, with_response, takes::nothing, "fetch again"},
    action_rule{"abandon", action::abandon, backend_side, takes::nothing, "give the fetch up"},
    action_rule{"error", action::error, in(backend_fetch) | in(backend_response), takes::optional_status_and_reason,
                "end the fetch in vcl_backend_error"},
    action_rule{"ok", action::ok, in(init) | in(fini), takes::nothing, "go on"},
    action_rule{"fail", action::fail, everywhere & ~in(fini), takes::optional_message, "end in an error; in vcl_init: do not load"},
};

/// The words are those of VCL 3, what they mean is said in the actions of VCL 4: the cache walks one state machine.
constexpr std::array table_of_actions_of_3{
    action_rule{"lookup", action::hash, in(recv), takes::nothing, "look the request up by its key"},
    action_rule{"hash", action::lookup, in(hash), takes::nothing, "the key is complete"},
    action_rule{"pass", action::pass, in(recv) | in(hit) | in(miss) | in(pass), takes::nothing, "do not store the response"},
    action_rule{"pipe", action::pipe, in(recv) | in(pipe), takes::nothing, "connect client and origin byte by byte"},
    action_rule{"deliver", action::deliver, in(hit) | in(backend_response) | in(deliver) | in(synth), takes::nothing, "use the response"},
    action_rule{"fetch", action::fetch, in(miss), takes::nothing, "ask the origin"},
    action_rule{"hit_for_pass", action::pass, in(backend_response), takes::nothing,
                "store neither this response nor others for this key, for beresp.ttl"},
    action_rule{"restart", action::restart, in(hit) | in(miss) | in(pass) | in(backend_response) | in(deliver) | in(synth), takes::nothing,
                "begin again with the request as it is now"},
    action_rule{"error", action::synth, in(recv) | in(pipe) | in(hit) | in(miss) | in(pass) | in(backend_response),
                takes::optional_status_and_reason, "answer with a response made in vcl_error; also written `error 404 \"Not here\";`"},
    action_rule{"ok", action::ok, in(init) | in(fini), takes::nothing, "go on"},
};

constexpr std::array<std::pair<subroutine, std::string_view>, subroutine_count> names_of_subroutines{{
    {init, "vcl_init"},
    {recv, "vcl_recv"},
    {hash, "vcl_hash"},
    {hit, "vcl_hit"},
    {miss, "vcl_miss"},
    {pass, "vcl_pass"},
    {pipe, "vcl_pipe"},
    {purge, "vcl_purge"},
    {deliver, "vcl_deliver"},
    {synth, "vcl_synth"},
    {backend_fetch, "vcl_backend_fetch"},
    {backend_response, "vcl_backend_response"},
    {backend_error, "vcl_backend_error"},
    {fini, "vcl_fini"},
}};

/// A name with one "*": what stands before and behind it must agree, and something must be left for it.
bool fits(std::string_view pattern, std::string_view name) {
    const auto star = pattern.find('*');
    const auto before = pattern.substr(0, star), behind = pattern.substr(star + 1);
    return name.size() > before.size() + behind.size() && name.starts_with(before) && name.ends_with(behind);
}

}  // namespace

std::string_view name(type of) {
    static constexpr std::array<std::string_view, 16> names{"VOID",  "BOOL",      "INT",     "REAL",   "DURATION", "TIME",
                                                            "BYTES", "IP",        "BACKEND", "STRING", "HEADER",   "HTTP",
                                                            "BODY",  "STEVEDORE", "ENUM",    "REGEX"};
    return names[static_cast<std::size_t>(of)];
}

std::string_view name(subroutine which) {
    return names_of_subroutines[static_cast<std::size_t>(which)].second;
}

std::string_view name(action which) {
    for (const auto& rule : table_of_actions) {
        if (rule.what == which) return rule.word;
    }
    return "none";
}

std::string_view name(subroutine which, int version) {
    if (version >= 40) return name(which);
    if (which == backend_response) return "vcl_fetch";
    if (which == synth) return "vcl_error";
    return which == backend_fetch || which == backend_error || which == purge ? std::string_view{} : name(which);
}

std::string list(places of, int version) {
    if (of == everywhere) return "every subroutine";
    if (of == both_sides) return "every subroutine but vcl_init and vcl_fini";
    if (of == client_side && version >= 40) return "the subroutines of the client side";
    if (of == backend_side && version >= 40) return "the subroutines vcl_backend_…";
    std::vector<std::string_view> names;
    for (const auto& [which, _] : names_of_subroutines) {
        if (const auto text = name(which, version); (of & in(which)) != 0 && !text.empty()) names.push_back(text);
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

std::optional<subroutine> find_subroutine(std::string_view name) {
    for (const auto& [which, text] : names_of_subroutines) {
        if (text == name) return which;
    }
    return std::nullopt;
}

std::span<const variable> variables() {
    return version_4::table_of_variables;
}

std::span<const variable> variables_of_3() {
    return version_3::table_of_variables;
}

const variable* find_variable(std::string_view name, int version) {
    const auto exact_names = [](std::span<const variable> of) {
        std::unordered_map<std::string_view, const variable*> map;
        for (const auto& each : of) map.emplace(each.name, &each);
        return map;
    };
    static const auto of_3 = exact_names(variables_of_3()), of_4 = exact_names(variables());
    if (name.find('*') != std::string_view::npos) return nullptr;
    const auto& exact = version < 40 ? of_3 : of_4;
    if (const auto found = exact.find(name); found != exact.end()) return found->second;
    for (const auto& each : version < 40 ? variables_of_3() : variables()) {
        if (each.name.find('*') != std::string_view::npos && fits(each.name, name)) return &each;
    }
    return nullptr;
}

variable_name resolved(const variable& row, std::string_view written) {
    static constexpr std::array<std::string_view, 7> messages{"", "req", "req_top", "bereq", "beresp", "obj", "resp"};
    const auto canonical = row.is.empty() ? row.name : row.is;
    variable_name found{.name = std::string(row.is.empty() ? written : row.is), .part = {}, .number = number_of(canonical)};
    if (const auto star = canonical.find('*'); star != std::string_view::npos)
        found.part = written.substr(star, written.size() - canonical.size() + 1);
    const auto of = std::ranges::find(messages, canonical.substr(0, canonical.find('.')));
    if (of != messages.end()) found.whose = static_cast<message>(of - messages.begin());
    return found;
}

variable_name resolved(std::string_view name) {
    return resolved(*find_variable(name, 41), name);
}

std::span<const action_rule> actions(int version) {
    return version < 40 ? std::span<const action_rule>(table_of_actions_of_3) : table_of_actions;
}

const action_rule* find_action(std::string_view word, int version) {
    const auto all = actions(version);
    const auto found = std::ranges::find(all, word, &action_rule::word);
    return found == all.end() ? nullptr : &*found;
}

std::string actions_of(subroutine which, int version) {
    std::vector<std::string_view> words;
    for (const auto& rule : actions(version)) {
        if ((rule.where & in(which)) != 0) words.push_back(rule.word);
    }
    std::ranges::sort(words);
    return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace badorigin::cache::vcl
