#include "proxy-under-test/vcl/table.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace badorigin::cache::vcl {

namespace {

using enum subroutine;
using t = type;

constexpr places sides_and_loading = everywhere;
constexpr places backend_or_pipe = backend_side | in(pipe);
constexpr places with_response = in(backend_response) | in(backend_error);
constexpr places hit_or_deliver = in(hit) | in(deliver);
constexpr places answering = in(deliver) | in(synth);

// name, type, readable, writable, unsettable [, since, until [, writable in 4.0 only]]
constexpr std::array table_of_variables{
    variable{"now", t::time, sides_and_loading},
    variable{"client.ip", t::ip, both_sides},
    variable{"client.identity", t::string, both_sides, client_side},
    variable{"server.ip", t::ip, both_sides},
    variable{"server.port", t::integer, both_sides},
    variable{"server.hostname", t::string, sides_and_loading},
    variable{"server.identity", t::string, sides_and_loading},
    variable{"local.ip", t::ip, both_sides},
    variable{"local.endpoint", t::string, both_sides, nowhere, nowhere, 41},
    variable{"local.socket", t::string, both_sides, nowhere, nowhere, 41},
    variable{"remote.ip", t::ip, both_sides},

    variable{"req", t::http, client_side},
    variable{"req.method", t::string, client_side, client_side},
    variable{"req.url", t::string, client_side, client_side},
    variable{"req.proto", t::string, client_side, nowhere, nowhere, 40, 41, client_side},
    variable{"req.http.*", t::header, client_side, client_side, client_side},
    variable{"req.restarts", t::integer, client_side},
    variable{"req.xid", t::string, client_side},
    variable{"req.time", t::time, client_side},
    variable{"req.transport", t::string, client_side},
    variable{"req.ttl", t::duration, client_side, client_side},
    variable{"req.grace", t::duration, client_side, client_side},
    variable{"req.esi", t::boolean, client_side, client_side, nowhere, 40, 40},
    variable{"req.esi_level", t::integer, client_side},
    variable{"req.can_gzip", t::boolean, client_side},
    variable{"req.hash_always_miss", t::boolean, client_side, client_side},
    variable{"req.hash_ignore_busy", t::boolean, client_side, client_side},
    variable{"req.hash_ignore_vary", t::boolean, client_side, client_side},
    variable{"req.backend_hint", t::backend, client_side, client_side},
    variable{"req.is_hitmiss", t::boolean, client_side},
    variable{"req.is_hitpass", t::boolean, client_side},
    variable{"req.storage", t::storage, client_side, client_side},
    variable{"req_top.method", t::string, client_side},
    variable{"req_top.url", t::string, client_side},
    variable{"req_top.proto", t::string, client_side},
    variable{"req_top.time", t::time, client_side},
    variable{"req_top.http.*", t::header, client_side},

    variable{"bereq", t::http, backend_side},
    variable{"bereq.method", t::string, backend_or_pipe, backend_or_pipe},
    variable{"bereq.url", t::string, backend_or_pipe, backend_or_pipe},
    variable{"bereq.proto", t::string, backend_or_pipe, nowhere, nowhere, 40, 41, backend_or_pipe},
    variable{"bereq.http.*", t::header, backend_or_pipe, backend_or_pipe, backend_or_pipe},
    variable{"bereq.xid", t::string, backend_or_pipe},
    variable{"bereq.time", t::time, backend_or_pipe},
    variable{"bereq.retries", t::integer, backend_side},
    variable{"bereq.backend", t::backend, backend_or_pipe, backend_or_pipe},
    variable{"bereq.body", t::body, nowhere, nowhere, in(backend_fetch)},
    variable{"bereq.uncacheable", t::boolean, backend_side},
    variable{"bereq.is_bgfetch", t::boolean, backend_side},
    variable{"bereq.is_hitmiss", t::boolean, backend_side},
    variable{"bereq.is_hitpass", t::boolean, backend_side},
    variable{"bereq.connect_timeout", t::duration, backend_or_pipe, backend_or_pipe},
    variable{"bereq.first_byte_timeout", t::duration, backend_side, backend_side},
    variable{"bereq.between_bytes_timeout", t::duration, backend_side, backend_side},

    variable{"beresp", t::http, with_response},
    variable{"beresp.proto", t::string, with_response, nowhere, nowhere, 40, 41, with_response},
    variable{"beresp.status", t::integer, with_response, with_response},
    variable{"beresp.reason", t::string, with_response, with_response},
    variable{"beresp.http.*", t::header, with_response, with_response, with_response},
    variable{"beresp.time", t::time, with_response},
    variable{"beresp.ttl", t::duration, with_response, with_response},
    variable{"beresp.age", t::duration, with_response},
    variable{"beresp.grace", t::duration, with_response, with_response},
    variable{"beresp.keep", t::duration, with_response, with_response},
    variable{"beresp.uncacheable", t::boolean, with_response, with_response},
    variable{"beresp.do_stream", t::boolean, with_response, with_response},
    variable{"beresp.do_gzip", t::boolean, with_response, with_response},
    variable{"beresp.do_gunzip", t::boolean, with_response, with_response},
    variable{"beresp.do_esi", t::boolean, with_response, with_response},
    variable{"beresp.filters", t::string, in(backend_response), in(backend_response)},
    variable{"beresp.backend", t::backend, with_response},
    variable{"beresp.backend.name", t::string, with_response},
    variable{"beresp.backend.ip", t::ip, in(backend_response), nowhere, nowhere, 40, 40},
    variable{"beresp.was_304", t::boolean, with_response},
    variable{"beresp.storage", t::storage, with_response, with_response},
    variable{"beresp.storage_hint", t::string, with_response, with_response, nowhere, 40, 40},
    variable{"beresp.transit_buffer", t::bytes, with_response, with_response},
    variable{"beresp.body", t::body, nowhere, in(backend_error)},

    variable{"obj.hits", t::integer, hit_or_deliver},
    variable{"obj.http.*", t::header, in(hit)},
    variable{"obj.proto", t::string, in(hit)},
    variable{"obj.status", t::integer, in(hit)},
    variable{"obj.reason", t::string, in(hit)},
    variable{"obj.time", t::time, hit_or_deliver},
    variable{"obj.ttl", t::duration, hit_or_deliver},
    variable{"obj.age", t::duration, hit_or_deliver},
    variable{"obj.grace", t::duration, hit_or_deliver},
    variable{"obj.keep", t::duration, hit_or_deliver},
    variable{"obj.uncacheable", t::boolean, in(deliver)},
    variable{"obj.can_esi", t::boolean, hit_or_deliver},
    variable{"obj.storage", t::storage, hit_or_deliver},

    variable{"resp", t::http, answering},
    variable{"resp.proto", t::string, answering, nowhere, nowhere, 40, 41, answering},
    variable{"resp.status", t::integer, answering, answering},
    variable{"resp.reason", t::string, answering, answering},
    variable{"resp.http.*", t::header, answering, answering, answering},
    variable{"resp.time", t::time, answering},
    variable{"resp.is_streaming", t::boolean, answering},
    variable{"resp.do_esi", t::boolean, answering, answering, nowhere, 41},
    variable{"resp.filters", t::string, answering, answering},
    variable{"resp.body", t::body, nowhere, in(synth)},

    variable{"sess.xid", t::string, both_sides, nowhere, nowhere, 41},
    variable{"sess.timeout_idle", t::duration, client_side, client_side},
    variable{"sess.timeout_linger", t::duration, client_side, client_side},
    variable{"sess.send_timeout", t::duration, client_side, client_side},
    variable{"sess.idle_send_timeout", t::duration, client_side, client_side},

    variable{"storage.*.free_space", t::bytes, both_sides},
    variable{"storage.*.used_space", t::bytes, both_sides},
    variable{"storage.*.happy", t::boolean, both_sides},
};

using takes = action_rule::takes;
constexpr places ends_with_deliver = in(hit) | in(deliver) | in(synth) | with_response;

constexpr std::array table_of_actions{
    action_rule{"hash", action::hash, in(recv)},
    action_rule{"lookup", action::lookup, in(hash)},
    action_rule{"pass", action::pass, in(recv) | in(hit) | in(miss) | in(backend_response), takes::optional_duration},
    action_rule{"pipe", action::pipe, in(recv) | in(pipe)},
    action_rule{"purge", action::purge, in(recv)},
    action_rule{"deliver", action::deliver, ends_with_deliver},
    action_rule{"fetch", action::fetch, in(miss) | in(pass) | in(backend_fetch)},
    action_rule{"restart", action::restart, client_side & ~(in(hash) | in(pipe))},
    action_rule{"synth", action::synth, client_side & ~(in(hash) | in(synth)), takes::status_and_reason},
    action_rule{"retry", action::retry, with_response},
    action_rule{"abandon", action::abandon, backend_side},
    action_rule{"error", action::error, in(backend_fetch) | in(backend_response), takes::optional_status_and_reason},
    action_rule{"ok", action::ok, in(init) | in(fini)},
    action_rule{"fail", action::fail, everywhere & ~in(fini), takes::optional_message},
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

constexpr std::array<std::pair<int, std::string_view>, 46> phrases{{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

/// A name with one "*": what stands before and behind it must agree, and something must be left for it.
bool fits(std::string_view pattern, std::string_view name) {
    const auto star = pattern.find('*');
    const auto before = pattern.substr(0, star), behind = pattern.substr(star + 1);
    return name.size() > before.size() + behind.size() && name.starts_with(before) && name.ends_with(behind);
}

}  // namespace

std::string_view name(type of) {
    static constexpr std::array<std::string_view, 15> names{"VOID",    "BOOL",   "INT",    "REAL", "DURATION", "TIME",      "BYTES", "IP",
                                                            "BACKEND", "STRING", "HEADER", "HTTP", "BODY",     "STEVEDORE", "ENUM"};
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

std::string list(places of) {
    if (of == everywhere) return "every subroutine";
    if (of == both_sides) return "every subroutine but vcl_init and vcl_fini";
    if (of == client_side) return "the subroutines of the client side";
    if (of == backend_side) return "the subroutines vcl_backend_…";
    std::vector<std::string_view> names;
    for (const auto& [which, text] : names_of_subroutines) {
        if ((of & in(which)) != 0) names.push_back(text);
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
    return table_of_variables;
}

const variable* find_variable(std::string_view name) {
    static const auto exact = [] {
        std::unordered_map<std::string_view, const variable*> map;
        for (const auto& each : table_of_variables) map.emplace(each.name, &each);
        return map;
    }();
    if (name.find('*') != std::string_view::npos) return nullptr;
    if (const auto found = exact.find(name); found != exact.end()) return found->second;
    for (const auto& each : table_of_variables) {
        if (each.name.find('*') != std::string_view::npos && fits(each.name, name)) return &each;
    }
    return nullptr;
}

std::span<const action_rule> actions() {
    return table_of_actions;
}

const action_rule* find_action(std::string_view word) {
    const auto found = std::ranges::find(table_of_actions, word, &action_rule::word);
    return found == table_of_actions.end() ? nullptr : &*found;
}

std::string actions_of(subroutine which) {
    std::vector<std::string_view> words;
    for (const auto& rule : table_of_actions) {
        if ((rule.where & in(which)) != 0) words.push_back(rule.word);
    }
    std::ranges::sort(words);
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string_view reason_phrase(std::int64_t status) {
    for (const auto& [code, phrase] : phrases) {
        if (code == status % 1000) return phrase;
    }
    return "Unknown HTTP Status";
}

}  // namespace badorigin::cache::vcl
