// Each row of the tables, by itself: a policy that uses it where it belongs loads, and one that uses it elsewhere or otherwise is
// refused for that. The policies are made from the rows, so a row cannot be forgotten.
#include <algorithm>

#include <fmt/core.h>

#include "proxy-under-test/vcl/table.h"
#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

std::vector<subroutine> all_subroutines(int version) {
    std::vector<subroutine> all;
    for (std::size_t i = 0; i < subroutine_count; ++i) {
        if (!name(static_cast<subroutine>(i), version).empty()) all.push_back(static_cast<subroutine>(i));
    }
    return all;
}

subroutine first_of(places of, int version) {
    for (const auto each : all_subroutines(version)) {
        if ((of & in(each)) != 0) return each;
    }
    return subroutine::fini;
}

/// A policy of that version with one statement in one subroutine. In vcl_init there is an object of each type.
std::string policy(int version, subroutine where, const std::string& statement) {
    std::string text = version < 40 ? "" : fmt::format("vcl 4.{};\n", version - 40);
    for (const auto& module : module_names()) text += fmt::format("import {};\n", module);
    text += "backend app { .host = \"192.0.2.1\"; }\n";
    text += R"(sub vcl_init { new o_saintmode = saintmode.saintmode(app); new o_round_robin = directors.round_robin();
        new o_fallback = directors.fallback(); new o_random = directors.random(); new o_hash = directors.hash();
        new o_shard = directors.shard(); }
)";
    return text + fmt::format("sub {} {{\n{}\n}}\n", name(where, version), statement);
}

std::string errors_of(const std::string& source) {
    const auto loaded = program::load(source, "policy.vcl");
    return loaded ? std::string{} : all_errors(loaded.error());
}

void expect_right(int version, subroutine where, const std::string& statement) {
    const auto source = policy(version, where, statement);
    EXPECT_EQ(errors_of(source), "") << source;
}
void expect_wrong(int version, subroutine where, const std::string& statement, const std::string& why) {
    const auto source = policy(version, where, statement);
    EXPECT_NE(errors_of(source).find(why), std::string::npos) << source << "\nsays: " << errors_of(source) << "\nand not: " << why;
}

/// By whether the place is among those allowed: loads, or is refused with `why`.
void expect_by_place(int version, places allowed, const std::string& statement, const std::string& why) {
    for (const auto where : all_subroutines(version)) {
        if ((allowed & in(where)) != 0) {
            expect_right(version, where, statement);
        } else {
            expect_wrong(version, where, statement, fmt::format("{} {}", why, name(where, version)));
        }
    }
}

std::string written(std::string_view name) {
    std::string result(name);
    if (const auto star = result.find('*'); star != std::string::npos) result.replace(star, 1, "X-Some");
    return result;
}

std::string literal(type of) {
    switch (of) {
        case type::boolean:
            return "true";
        case type::integer:
            return "200";
        case type::real:
            return "1.5";
        case type::duration:
            return "1s";
        case type::time:
            return "now";
        case type::bytes:
            return "1KB";
        case type::ip:
            return "client.ip";
        case type::backend:
            return "app";
        case type::header:
            return "req.http.X-Some";
        case type::http:
            return "req";
        case type::storage:
            return "storage.default";
        default:
            return "\"x\"";
    }
}

/// A value that nothing of this type can be made of; for text, which everything printable can become, nothing.
std::string wrong_literal(type of) {
    return of == type::string || of == type::header || of == type::body || of == type::regex ? "" : of == type::backend ? "5" : "app";
}

void check_reading(int version, const variable& row) {
    const auto called = written(row.name);
    if (row.of == type::http)
        return expect_by_place(version, row.readable, fmt::format("std.rollback({});", called), called + " cannot be read in");
    expect_by_place(version, row.readable, fmt::format("std.log(\"\" + {});", called), "cannot be read in");
}

void check_writing(int version, const variable& row) {
    const auto called = written(row.name);
    const auto value = literal(row.of == type::header ? type::string : row.of);
    expect_by_place(version, row.writable, fmt::format("set {} = {};", called, value), "cannot be set in");
    const auto some = first_of(row.writable, version);
    if (const auto wrong = wrong_literal(row.of); !wrong.empty()) {
        expect_wrong(version, some, fmt::format("set {} = {};", called, wrong), fmt::format("{} wants {}", called, name(row.of)));
    } else {
        expect_wrong(version, some, fmt::format("set {} -= \"x\";", called), "-= is not possible");
    }
}

void check(const variable& row) {
    const auto version = row.until;
    const auto called = written(row.name);
    const auto where = row.readable != nowhere ? row.readable : row.writable != nowhere ? row.writable : row.unsettable;
    const auto some = first_of(where, version);
    if (row.here == support::none) {
        return expect_wrong(version, some, fmt::format("std.log(\"\" + {});", called), called + " is not supported here");
    }
    if (row.readable != nowhere) {
        check_reading(version, row);
    } else {
        expect_wrong(version, some, fmt::format("std.log(\"\" + {});", called), "cannot be read");
    }
    if (row.here == support::no_setting) {
        expect_wrong(version, some, fmt::format("set {} = {};", called, literal(row.of)), "is not supported here");
    } else if (row.writable != nowhere) {
        check_writing(version, row);
    } else {
        expect_wrong(version, some, fmt::format("set {} = {};", called, literal(row.of)), "cannot be set");
    }
    if (row.unsettable != nowhere) {
        expect_by_place(version, row.unsettable, fmt::format("unset {};", called), "cannot be unset in");
    } else {
        expect_wrong(version, some, fmt::format("unset {};", called), "cannot be unset");
    }
    if (version == 40) expect_wrong(41, some, fmt::format("std.log(\"\" + {});", called), "is not in vcl 4.1, only in 4.0");
    if (row.since == 41) expect_wrong(40, some, fmt::format("std.log(\"\" + {});", called), "is not in vcl 4.0, only in 4.1");
}

TEST(vcl_table, every_variable_where_it_belongs_and_nowhere_else) {
    for (const auto& row : variables()) check(row);
}
TEST(vcl_table, every_variable_of_vcl_3_where_it_belongs_and_nowhere_else) {
    for (const auto& row : variables_of_3()) check(row);
}

TEST(vcl_table, every_action_where_it_belongs_and_nowhere_else) {
    using takes = action_rule::takes;
    for (const int version : {30, 40, 41}) {
        for (const auto& row : actions(version)) {
            const std::string arguments = row.arguments == takes::status_and_reason ? "(404)" : "";
            const auto rows_of_word = [&](places allowed) {  // one word may have several rows
                for (const auto& other : actions(version)) allowed |= other.word == row.word ? other.where : nowhere;
                return allowed;
            };
            expect_by_place(version, rows_of_word(row.where), fmt::format("if (false) {{ return ({}{}); }}", row.word, arguments),
                            "is not possible in");
            const auto some = first_of(row.where, version);
            if (version >= 40) expect_wrong(version, some, fmt::format("return ({}(now, now, now));", row.word), "argument");
        }
    }
}

/// What has to be given, by position up to the last of it, then by name.
std::string arguments_of(const std::vector<parameter>& parameters, bool exactly_one, bool wrong = false) {
    std::string text;
    for (const auto& each : parameters) {
        if (each.optional && !(exactly_one && each.name == "s")) continue;
        const auto bad = wrong ? wrong_literal(each.of) : std::string{};
        text += (text.empty() ? "" : ", ") + (bad.empty() ? literal(each.of) : bad);
        if (!bad.empty()) wrong = false;
    }
    return text;
}

void check_call(const std::string& called, const function& row) {
    const auto some = first_of(row.where, 41);
    const auto call = fmt::format("{}({});", called, arguments_of(row.parameters, row.exactly_one));
    if (row.refused) return expect_wrong(41, some, call, "is not supported here");
    auto where = row.where;
    for (const auto& each : row.parameters) {  // req, req.http.X and client.ip, which stand in for them, are not everywhere
        if (each.optional) continue;
        if (each.of == type::header || each.of == type::http) where &= client_side;
        if (each.of == type::ip) where &= both_sides;
    }
    expect_by_place(41, where, call, "in");
    const auto place = first_of(where, 41);
    std::string too_many = "\"x\"";
    for (std::size_t i = 0; i < row.parameters.size(); ++i) too_many += ", \"x\"";
    EXPECT_NE(errors_of(policy(41, place, fmt::format("{}({});", called, too_many))), "") << called;
    expect_wrong(41, place, fmt::format("{}(no_such = 5);", called), "no argument named no_such");
    const auto wrong = fmt::format("{}({});", called, arguments_of(row.parameters, row.exactly_one, true));
    if (wrong != call) expect_wrong(41, place, wrong, "wants");
    for (const auto& each : row.parameters) {
        if (each.refused) expect_wrong(41, place, fmt::format("{}({} = 5);", called, each.name), "is not supported here");
    }
}

TEST(vcl_table, every_function_where_it_belongs_and_with_what_it_takes) {
    for (const auto& row : functions()) check_call(std::string(row.name), row);
}

TEST(vcl_table, every_object_and_method_where_it_belongs_and_with_what_it_takes) {
    for (const auto& row : object_types()) {
        const auto made = fmt::format("new made = {}({});", row.name, arguments_of(row.parameters, false));
        expect_right(41, subroutine::init, made);
        expect_wrong(41, subroutine::recv, made, "new is only possible in vcl_init");
        expect_wrong(41, subroutine::init, fmt::format("new made = {}(no_such = 5);", row.name), "no argument named no_such");
        const auto object = fmt::format("o_{}", row.name.substr(row.name.find('.') + 1));
        for (const auto& method : row.methods) check_call(fmt::format("{}.{}", object, method.name), method);
    }
}

TEST(vcl_table, every_row_says_what_it_is) {
    for (const auto& row : variables()) EXPECT_FALSE(row.about.empty()) << row.name;
    for (const auto& row : variables_of_3()) EXPECT_FALSE(row.about.empty()) << row.name;
    for (const int version : {30, 41}) {
        for (const auto& row : actions(version)) EXPECT_FALSE(row.about.empty()) << row.word;
    }
    for (const auto& row : functions()) EXPECT_FALSE(row.about.empty()) << row.name;
    for (const auto& row : object_types()) EXPECT_FALSE(row.about.empty()) << row.name;
}

}  // namespace
}  // namespace badorigin::cache::vcl
