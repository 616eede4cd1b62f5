#include <algorithm>
#include <chrono>

#include "proxy-under-test/vcl/std_functions.h"
#include "proxy-under-test/vcl/table.h"

namespace badorigin::cache::vcl {

namespace {

using enum type;
using by = function::by;

parameter needs(std::string_view name, type of) {
    return {.name = name, .of = of};
}
parameter may(std::string_view name, type of) {
    return {.name = name, .of = of, .optional = true};
}
parameter or_else(std::string_view name, type of, value otherwise) {
    return {.name = name, .of = of, .optional = true, .otherwise = std::move(otherwise)};
}
parameter one_of(std::string_view name, std::string_view choices, std::string_view otherwise) {
    return {.name = name, .of = choice, .optional = true, .otherwise = std::string(otherwise), .choices = choices};
}

function calculated(std::string_view name, type result, std::vector<parameter> parameters, value (*how)(arguments),
                    bool exactly_one = false) {
    return {.name = name,
            .result = result,
            .parameters = std::move(parameters),
            .evaluated = by::pure,
            .pure = how,
            .exactly_one = exactly_one};
}
function asked(std::string_view name, type result, std::vector<parameter> parameters, places where = everywhere) {
    return {.name = name, .result = result, .parameters = std::move(parameters), .where = where};
}
function own(std::string_view name, type result, std::vector<parameter> parameters, by how, places where = everywhere) {
    return {.name = name, .result = result, .parameters = std::move(parameters), .evaluated = how, .where = where};
}

const std::vector<function>& functions() {
    constexpr auto only = [](subroutine which) { return in(which); };
    static const std::vector<function> table{
        own("regsub", string, {needs("text", string), needs("pattern", string), needs("with", string)}, by::regsub),
        own("regsuball", string, {needs("text", string), needs("pattern", string), needs("with", string)}, by::regsuball),
        own("hash_data", nothing, {needs("text", string)}, by::hash_data, only(subroutine::hash)),
        own("synthetic", nothing, {needs("body", string)}, by::synthetic, in(subroutine::synth) | in(subroutine::backend_error)),
        own("ban", nothing, {needs("expression", string)}, by::ban, both_sides),
        own("std.ban", boolean, {needs("expression", string)}, by::ban, both_sides),
        own("std.ban_error", string, {}, by::ban_error, both_sides),

        calculated("std.round", real, {needs("r", real)}, pure::round),
        calculated("std.querysort", string, {needs("url", string)}, pure::querysort),
        calculated("std.toupper", string, {needs("s", string)}, pure::toupper),
        calculated("std.tolower", string, {needs("s", string)}, pure::tolower),
        calculated("std.strstr", string, {needs("s1", string), needs("s2", string)}, pure::strstr),
        calculated("std.fnmatch", boolean,
                   {needs("pattern", string), needs("subject", string), or_else("pathname", boolean, true),
                    or_else("noescape", boolean, false), or_else("period", boolean, false)},
                   pure::fnmatch),
        calculated("std.fileread", string, {needs("path", string)}, pure::fileread),
        calculated("std.file_exists", boolean, {needs("path", string)}, pure::file_exists),
        calculated("std.getenv", string, {needs("name", string)}, pure::getenv),
        calculated("std.duration", duration, {may("s", string), may("fallback", duration), may("real", real), may("integer", integer)},
                   pure::duration, true),
        calculated("std.bytes", bytes, {may("s", string), may("fallback", bytes), may("real", real), may("integer", integer)}, pure::bytes,
                   true),
        calculated("std.integer", integer,
                   {may("s", string), may("fallback", integer), may("bool", boolean), may("bytes", bytes), may("duration", duration),
                    may("real", real), may("time", time)},
                   pure::integer, true),
        calculated("std.real", real,
                   {may("s", string), may("fallback", real), may("integer", integer), may("bool", boolean), may("bytes", bytes),
                    may("duration", duration), may("time", time)},
                   pure::real, true),
        calculated("std.time", time, {may("s", string), may("fallback", time), may("real", real), may("integer", integer)}, pure::time,
                   true),
        calculated("std.strftime", string, {needs("time", time), needs("format", string)}, pure::strftime),
        calculated("std.ip", ip, {needs("s", string), may("fallback", ip), or_else("resolve", boolean, true), may("p", string)}, pure::ip),
        calculated("std.real2integer", integer, {needs("r", real), needs("fallback", integer)}, pure::real2integer),
        calculated("std.real2time", time, {needs("r", real), needs("fallback", time)}, pure::real2time),
        calculated("std.time2integer", integer, {needs("t", time), needs("fallback", integer)}, pure::time2integer),
        calculated("std.time2real", real, {needs("t", time), needs("fallback", real)}, pure::time2real),

        asked("std.random", real, {needs("lo", real), needs("hi", real)}),
        asked("std.log", nothing, {needs("s", string)}),
        asked("std.syslog", nothing, {needs("priority", integer), needs("s", string)}),
        asked("std.timestamp", nothing, {needs("s", string)}, both_sides),
        asked("std.collect", nothing, {needs("hdr", header), or_else("sep", string, std::string(", "))}, both_sides),
        asked("std.healthy", boolean, {needs("be", backend)}),
        asked("std.port", integer, {needs("ip", ip)}),
        asked("std.cache_req_body", boolean, {needs("size", bytes)}, only(subroutine::recv)),
        asked("std.late_100_continue", nothing, {needs("late", boolean)}, only(subroutine::recv)),
        asked("std.set_ip_tos", nothing, {needs("tos", integer)}, client_side),
        asked("std.rollback", nothing, {needs("h", http)}, both_sides),
        asked("std.syntax", boolean, {needs("version", real)}),

        asked("directors.lookup", backend, {needs("name", string)}),
        asked("saintmode.blacklist", nothing, {needs("expires", duration)}, only(subroutine::backend_response)),
        asked("saintmode.status", string, {}),
    };
    return table;
}

std::vector<object_type> make_object_types() {
    const auto with = [](std::vector<parameter> add_backend, std::vector<parameter> choose = {}) {
        return std::vector<function>{asked("add_backend", nothing, std::move(add_backend)),
                                     asked("remove_backend", nothing, {needs("backend", backend)}),
                                     asked("backend", backend, std::move(choose))};
    };
    const auto member = needs("backend", backend);
    std::vector<object_type> types;
    types.push_back({"directors.round_robin", {}, with({member})});
    types.push_back({"directors.fallback", {or_else("sticky", boolean, false)}, with({member})});
    types.push_back({"directors.random", {}, with({member, needs("weight", real)})});
    types.push_back({"directors.hash", {}, with({member, or_else("weight", real, 1.0)}, {needs("key", string)})});
    object_type shard{"directors.shard", {}, {}};
    shard.methods = {
        asked("add_backend", boolean, {member, may("ident", string), may("rampup", duration), may("weight", real)}),
        asked("remove_backend", boolean, {may("backend", backend), may("ident", string)}),
        asked("clear", boolean, {}),
        asked("reconfigure", boolean, {or_else("replicas", integer, std::int64_t{67})}),
        asked("set_warmup", nothing, {or_else("probability", real, 0.0)}),
        asked("set_rampup", nothing, {or_else("duration", duration, value(vcl::duration{}))}),
        asked("key", integer, {needs("text", string)}),
        asked("backend", backend,
              {one_of("by", "HASH URL KEY", "HASH"), may("key", integer), or_else("alt", integer, std::int64_t{0}),
               or_else("warmup", real, -1.0), or_else("rampup", boolean, true), one_of("healthy", "CHOSEN IGNORE ALL", "CHOSEN"),
               one_of("resolve", "NOW LAZY", "NOW")}),
    };
    types.push_back(std::move(shard));
    types.push_back({"saintmode.saintmode",
                     {member, or_else("threshold", integer, std::int64_t{10})},
                     {asked("backend", backend, {}), asked("blacklist_count", integer, {}), asked("is_healthy", boolean, {})}});
    return types;
}

const std::vector<object_type>& object_types() {
    static const auto table = make_object_types();
    return table;
}

}  // namespace

const function* find_function(std::string_view name) {
    const auto found = std::ranges::find(functions(), name, &function::name);
    return found == functions().end() ? nullptr : &*found;
}

std::vector<std::string> function_names() {
    std::vector<std::string> names;
    for (const auto& each : functions()) names.emplace_back(each.name);
    return names;
}

const object_type* find_object_type(std::string_view name) {
    const auto found = std::ranges::find(object_types(), name, &object_type::name);
    return found == object_types().end() ? nullptr : &*found;
}

std::vector<std::string> object_type_names() {
    std::vector<std::string> names;
    for (const auto& each : object_types()) names.emplace_back(each.name);
    return names;
}

std::vector<std::string> module_names() {
    return {"std", "directors", "saintmode"};
}

bool is_module(std::string_view name) {
    return name == "std" || name == "directors" || name == "saintmode";
}

}  // namespace badorigin::cache::vcl
