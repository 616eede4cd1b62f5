// The tree of a program. The parser fills in what was written; the checker adds what it means (types, table entries, compiled
// expressions), so that the evaluator looks nothing up.
//
// Sums, products, && and || hold all operands of a row in one node: the depth of the tree is then the depth of the parentheses, which
// the parser limits, and a concatenation of a thousand strings does not recurse a thousand times.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy-under-test/vcl/acl.h"
#include "proxy-under-test/vcl/regex.h"
#include "proxy-under-test/vcl/source.h"
#include "proxy-under-test/vcl/table.h"
#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

struct custom_subroutine;

struct expression {
    enum class kind { literal, word, call, sum, product, compare, match, invert, negate, both, either };
    kind what = kind::literal;
    place at;
    std::string text;      ///< word; name of a call; operator of compare and match
    value constant;        ///< of a literal
    bool quoted = false;   ///< a literal written as a string
    bool implied = false;  ///< a call that the statement stands for: its module needs no import
    std::vector<std::unique_ptr<expression>> parts;
    std::vector<char> operators;  ///< of sum ('+', '-', ' ' for juxtaposition) and product: one before each part but the first
    std::vector<place> operators_at;
    std::vector<std::string> argument_names;  ///< of a call, "" where not named

    // Filled in by the checker.
    type of = type::nothing;
    variable_name reads;  ///< of a word
    const function* calls = nullptr;
    char change_case = 0;       ///< 'l', 'u': X.lower(), X.upper() with X in parts[0]
    std::size_t text_from = 0;  ///< of a sum: from this part on it is concatenation
    std::shared_ptr<const regex> pattern;
    const acl* members = nullptr;
};
using expression_pointer = std::unique_ptr<expression>;

struct statement;
using block = std::vector<std::unique_ptr<statement>>;

struct statement {
    enum class kind { set, unset, condition, call, finish, expression, create };
    kind what = kind::expression;
    place at;
    std::string name;  ///< variable, subroutine, action or new object
    place name_at;
    std::string op;                         ///< of set: "=", "+=", …
    std::string type_name;                  ///< of create: "directors.hash"
    std::vector<expression_pointer> parts;  ///< value of set; conditions of if; arguments of an action; the call of create and expression
    std::vector<block> blocks;              ///< of if: one a condition, and one more for else
    bool plain = false;                     ///< `return;`

    // Filled in by the checker.
    const variable* target = nullptr;
    variable_name writes;  ///< of set and unset
    variable_name phrase;  ///< what a new status brings along, as in Varnish; without a name: nothing
    const custom_subroutine* callee = nullptr;
    const action_rule* rule = nullptr;
};

/// All that was written under one name, in order; the built-in code of that name comes last.
struct custom_subroutine {
    std::string name;
    std::string written;  ///< "vcl_fetch" for vcl_backend_response in VCL 3
    place at;
    std::vector<block> bodies;
};

struct attribute {
    std::string name;
    place at;
    std::vector<expression_pointer> values;  ///< one, or the lines of .request
    std::string word;                        ///< a name instead: .probe = p;
    std::vector<attribute> nested;           ///< .probe = { … }
};

struct definition {
    std::string name;
    place at;
    bool none = false;  ///< backend x none;
    std::vector<attribute> attributes;
};

struct acl_definition {
    struct line {
        std::string address;
        std::optional<int> mask;
        bool negated = false, optional = false;
        place at;
    };
    std::string name;
    place at;
    bool pedantic = true;
    std::vector<line> lines;
};

/// director x round-robin { { .backend = a; } … }, of VCL 3.
struct director_definition {
    struct member {
        std::string backend;
        place at;
        expression_pointer weight;  ///< null: none
    };
    std::string name, type;
    place at, type_at;
    std::vector<member> members;
};

struct import {
    std::string module;
    place at;
};

struct tree {
    std::vector<definition> backends, probes;
    std::vector<acl_definition> acls;
    std::vector<director_definition> directors;
    std::vector<import> imports;
    std::vector<std::unique_ptr<custom_subroutine>> subroutines;

    custom_subroutine* find(std::string_view name) {
        for (auto& each : subroutines) {
            if (each->name == name) return each.get();
        }
        return nullptr;
    }
};

}  // namespace badorigin::cache::vcl
