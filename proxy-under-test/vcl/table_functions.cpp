#include <algorithm>
#include <chrono>

#include "proxy-under-test/vcl/std_functions.h"
#include "proxy-under-test/vcl/table_rows.h"

namespace badorigin::cache::vcl {

namespace {

using enum type;
using by = function::by;
using namespace row;

constexpr places only(subroutine which) {
    return in(which);
}

void add_language(std::vector<function>& to) {
    const std::vector<parameter> substitution{needs("text", string), needs("pattern", regex), needs("with", string)};
    to.push_back(own("regsub", string, substitution, by::regsub, "the text with the first match replaced; \\1 … \\9 are its groups"));
    to.push_back(own("regsuball", string, substitution, by::regsuball, "the text with every match replaced"));
    to.push_back(own("hash_data", nothing, {needs("text", string)}, by::hash_data, "adds to the cache key", only(subroutine::hash)));
    to.push_back(own("synthetic", nothing, {needs("body", string)}, by::synthetic, "makes this the content of the response",
                     in(subroutine::synth) | in(subroutine::backend_error)));
    to.push_back(
        own("ban", nothing, {needs("expression", string)}, by::ban, "bans what the expression names of what is stored now", both_sides));
}

void add_std(std::vector<function>& to) {
    to.push_back(
        own("std.ban", boolean, {needs("expression", string)}, by::ban, "as ban(), and tells whether the expression is one", both_sides));
    to.push_back(own("std.ban_error", string, {}, by::ban_error, "why the last std.ban() was none", both_sides));

    to.push_back(asked("std.random", real, {needs("lo", real), needs("hi", real)}, "a random number between the two"));
    to.push_back(asked("std.log", nothing, {needs("s", string)}, "writes to the log"));
    to.push_back(asked("std.syslog", nothing, {needs("priority", integer), needs("s", string)}, "writes to the machine's log"));
    to.push_back(asked("std.timestamp", nothing, {needs("s", string)}, "marks this moment in the log", both_sides));
    to.push_back(asked("std.collect", nothing, {needs("hdr", header), or_else("sep", string, std::string(", "))},
                       "joins all fields of a name to one", both_sides));
    to.push_back(asked("std.healthy", boolean, {needs("be", backend)}, "whether the backend or director is healthy"));
    to.push_back(asked("std.cache_req_body", boolean, {needs("size", bytes)}, "keeps the request's body, up to this size, to be sent again",
                       only(subroutine::recv)));
    to.push_back(asked("std.rollback", nothing, {needs("h", http)}, "undoes what was changed of the request", both_sides));
    to.push_back(asked("std.syntax", boolean, {needs("version", real)}, "whether the policy is of this version of VCL or a later one"));
    to.push_back(refused(
        asked("std.late_100_continue", nothing, {needs("late", boolean)}, "when to ask for the request's body", only(subroutine::recv))));
    to.push_back(
        refused(asked("std.set_ip_tos", nothing, {needs("tos", integer)}, "sets the type of service of what is sent", client_side)));
}

void add_text(std::vector<function>& to) {
    to.push_back(calculated("std.querysort", string, {needs("url", string)}, pure::querysort, "the URL with its query's fields sorted"));
    to.push_back(calculated("std.toupper", string, {needs("s", string)}, pure::toupper, "in capitals"));
    to.push_back(calculated("std.tolower", string, {needs("s", string)}, pure::tolower, "in small letters"));
    to.push_back(calculated("std.strstr", string, {needs("s1", string), needs("s2", string)}, pure::strstr,
                            "the first text from where the second is found in it; unset where it is not"));
    to.push_back(calculated("std.fnmatch", boolean,
                            {needs("pattern", string), needs("subject", string), or_else("pathname", boolean, true),
                             or_else("noescape", boolean, false), or_else("period", boolean, false)},
                            pure::fnmatch, "whether the subject matches a pattern as the shell has them"));
    to.push_back(calculated("std.fileread", string, {needs("path", string)}, pure::fileread, "the content of a file"));
    to.push_back(calculated("std.file_exists", boolean, {needs("path", string)}, pure::file_exists, "whether there is such a file"));
    to.push_back(calculated("std.getenv", string, {needs("name", string)}, pure::getenv, "a variable of the cache's environment"));
    to.push_back(calculated("std.strftime", string, {needs("time", time), needs("format", string)}, pure::strftime,
                            "the time as the format says, in UTC"));
}

void add_conversions(std::vector<function>& to) {
    to.push_back(calculated("std.round", real, {needs("r", real)}, pure::round, "to the nearest whole number"));
    to.push_back(calculated("std.duration", duration,
                            {may("s", string), may("fallback", duration), may("real", real), may("integer", integer)}, pure::duration,
                            "of \"1.5m\", or of seconds", true));
    to.push_back(calculated("std.bytes", bytes, {may("s", string), may("fallback", bytes), may("real", real), may("integer", integer)},
                            pure::bytes, "of \"10KB\", or of a number", true));
    to.push_back(calculated("std.integer", integer,
                            {may("s", string), may("fallback", integer), may("bool", boolean), may("bytes", bytes),
                             may("duration", duration), may("real", real), may("time", time)},
                            pure::integer, "cut towards zero; seconds of a duration or time", true));
    to.push_back(calculated("std.real", real,
                            {may("s", string), may("fallback", real), may("integer", integer), may("bool", boolean), may("bytes", bytes),
                             may("duration", duration), may("time", time)},
                            pure::real, "seconds of a duration or time", true));
    to.push_back(calculated("std.time", time, {may("s", string), may("fallback", time), may("real", real), may("integer", integer)},
                            pure::time, "of an HTTP date, ISO 8601, or seconds since 1970", true));
    to.push_back(calculated("std.ip", ip, {needs("s", string), may("fallback", ip), or_else("resolve", boolean, true), may("p", string)},
                            pure::ip, "of an address or, where `resolve`, of a name; `p` is the port"));
    to.push_back(calculated("std.port", integer, {needs("ip", ip)}, pure::port, "the port that came with the address"));
    to.push_back(calculated("std.real2integer", integer, {needs("r", real), needs("fallback", integer)}, pure::real2integer,
                            "older name of std.integer(real=…), rounded"));
    to.push_back(calculated("std.real2time", time, {needs("r", real), needs("fallback", time)}, pure::real2time,
                            "older name of std.time(real=…), rounded"));
    to.push_back(calculated("std.time2integer", integer, {needs("t", time), needs("fallback", integer)}, pure::time2integer,
                            "older name of std.integer(time=…), rounded"));
    to.push_back(
        calculated("std.time2real", real, {needs("t", time), needs("fallback", real)}, pure::time2real, "older name of std.real(time=…)"));
}

/// One set of cookies for each request of a client and each fetch.
void add_cookie(std::vector<function>& to) {
    const auto add = [&](std::string_view name, type result, std::vector<parameter> parameters, std::string_view about) {
        to.push_back(own(name, result, std::move(parameters), by::cookie, about, both_sides));
    };
    add("cookie.parse", nothing, {needs("header", string)}, "takes the cookies of this text in the place of those before");
    add("cookie.set", nothing, {needs("name", string), needs("value", string)}, "adds or changes a cookie");
    add("cookie.get", string, {needs("name", string)}, "the value of a cookie, or unset");
    add("cookie.get_re", string, {needs("expression", regex)}, "the value of the first cookie whose name matches, or unset");
    add("cookie.isset", boolean, {needs("name", string)}, "whether there is such a cookie");
    add("cookie.delete", nothing, {needs("name", string)}, "drops a cookie");
    add("cookie.clean", nothing, {}, "drops all");
    add("cookie.filter", nothing, {needs("names", string)}, "drops those named, with commas between");
    add("cookie.filter_re", nothing, {needs("expression", regex)}, "drops those whose names match");
    add("cookie.keep", nothing, {needs("names", string)}, "drops all but those named, with commas between");
    add("cookie.keep_re", nothing, {needs("expression", regex)}, "drops all but those whose names match");
    add("cookie.get_string", string, {}, "the cookies as the field Cookie holds them");
    to.push_back(calculated("cookie.format_date", string, {needs("now", time), needs("timedelta", duration)}, pure::format_date,
                            "the date of a time and a duration from then"));
}

const std::vector<function>& table() {
    static const auto made = [] {
        std::vector<function> to;
        add_language(to);
        add_std(to);
        add_text(to);
        add_conversions(to);
        add_cookie(to);
        to.push_back(asked("directors.lookup", backend, {needs("name", string)}, "the backend of this name",
                           in(subroutine::init) | in(subroutine::fini)));
        constexpr places found = in(subroutine::hit) | in(subroutine::miss);
        to.push_back(asked("purge.hard", integer, {}, "drops what is stored under this key, and tells how many that were", found));
        to.push_back(asked(
            "purge.soft", integer,
            {or_else("ttl", duration, value(vcl::duration{})), or_else("grace", duration, value(vcl::duration{std::chrono::seconds(-1)})),
             or_else("keep", duration, value(vcl::duration{std::chrono::seconds(-1)}))},
            "shortens the life of what is stored under this key; below zero: as it was", found));
        to.push_back(asked("saintmode.blacklist", nothing, {needs("expires", duration)},
                           "for how long this backend is not asked for this again", only(subroutine::backend_response)));
        to.push_back(asked("saintmode.status", string, {}, "all saintmode objects with their lists, as JSON", both_sides));
        return to;
    }();
    return made;
}

}  // namespace

std::span<const function> functions() {
    return table();
}

const function* find_function(std::string_view name) {
    const auto found = std::ranges::find(table(), name, &function::name);
    return found == table().end() ? nullptr : &*found;
}

std::vector<std::string> function_names() {
    std::vector<std::string> names;
    for (const auto& each : functions()) names.emplace_back(each.name);
    return names;
}

}  // namespace badorigin::cache::vcl
