// The one table of the language: which variables exist, of which type, and where they may be read, written and unset; which actions
// end which subroutine; which functions and objects the modules offer. The checker refuses what is not in it, the evaluator runs what
// is, and the reference page is printed from it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/vcl/program.h"
#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

enum class type { nothing, boolean, integer, real, duration, time, bytes, ip, backend, string, header, http, body, storage, choice, regex };
std::string_view name(type of);  ///< as the manuals write it: "DURATION"

/// A set of built-in subroutines.
using places = std::uint32_t;
constexpr places in(subroutine which) {
    return 1U << static_cast<unsigned>(which);
}
constexpr places nowhere = 0;
constexpr places client_side = in(subroutine::recv) | in(subroutine::hash) | in(subroutine::hit) | in(subroutine::miss) |
                               in(subroutine::pass) | in(subroutine::pipe) | in(subroutine::purge) | in(subroutine::deliver) |
                               in(subroutine::synth);
constexpr places backend_side = in(subroutine::backend_fetch) | in(subroutine::backend_response) | in(subroutine::backend_error);
constexpr places both_sides = client_side | backend_side;
constexpr places everywhere = both_sides | in(subroutine::init) | in(subroutine::fini);
inline constexpr std::size_t subroutine_count = static_cast<std::size_t>(subroutine::fini) + 1;
std::string list(places of, int version);  ///< "vcl_hit, vcl_deliver"; "the client side" and the like for the usual sets
std::optional<subroutine> find_subroutine(std::string_view name);

/// What this cache does of a thing that the language has. A policy that asks for more is refused.
enum class support { full, no_setting, none };

/// Versions of the language: 30, 40, 41.
struct variable {
    std::string_view name;  ///< may hold one "*": a header's or a storage's name
    type of = type::string;
    std::string_view about;  ///< what it is, in a line
    places readable = nowhere, writable = nowhere, unsettable = nowhere;
    int since = 40, until = 41;          ///< versions of the language that know it
    places writable_until_40 = nowhere;  ///< additionally writable in vcl 4.0
    support here = support::full;
    std::string_view is = {};  ///< of VCL 3: what the cache calls it, where that is another name
};
std::span<const variable> variables();       ///< of VCL 4
std::span<const variable> variables_of_3();  ///< of VCL 3
const variable* find_variable(std::string_view name, int version);
variable_name resolved(const variable& row, std::string_view written);
/// Of a variable that VCL 4 has.
variable_name resolved(std::string_view name);

struct action_rule {
    std::string_view word;
    action what;
    places where;
    enum class takes {
        nothing,
        status_and_reason,
        optional_status_and_reason,
        optional_duration,
        optional_message
    } arguments = takes::nothing;
    std::string_view about{};
};
std::span<const action_rule> actions(int version);
const action_rule* find_action(std::string_view word, int version);
std::string actions_of(subroutine which, int version);  ///< "deliver, fail, restart"

struct parameter {
    std::string_view name;
    type of = type::string;
    bool optional = false;             ///< may be left out, and is then unset
    std::optional<value> otherwise{};  ///< may be left out, and is then this
    std::string_view choices{};        ///< of a choice: "HASH URL KEY"
    bool refused = false;              ///< the language has it, this cache does not
};

using arguments = std::span<const value>;

struct function {
    /// Who evaluates it: the language itself, a pure function, or the cache through context::call.
    enum class by { pure, context, regsub, regsuball, hash_data, synthetic, ban, ban_error, cookie };
    std::string_view name;  ///< "std.tolower"; of a method only "add_backend"
    type result = type::nothing;
    std::vector<parameter> parameters;
    by evaluated = by::context;
    value (*pure)(arguments) = nullptr;
    places where = everywhere;
    bool exactly_one = false;  ///< of the parameters other than "fallback", one must be given
    std::string_view about{};
    bool refused = false;  ///< the language has it, this cache does not
};
std::span<const function> functions();
const function* find_function(std::string_view name);
std::vector<std::string> function_names();

struct object_type {
    std::string_view name;  ///< "directors.round_robin"
    std::vector<parameter> parameters;
    std::vector<function> methods;
    std::string_view about{};
};
std::span<const object_type> object_types();
const object_type* find_object_type(std::string_view name);
std::vector<std::string> object_type_names();

bool is_module(std::string_view name);
std::vector<std::string> module_names();

}  // namespace badorigin::cache::vcl
