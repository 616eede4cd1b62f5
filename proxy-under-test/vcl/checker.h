// Gives every name, operator and place in a tree its meaning, or says why it has none.
//
// Subroutines are checked once, in two steps: first what is wrong wherever it stands (unknown names, types), noting each use of a
// variable, action or function that is not allowed everywhere; then, from each built-in subroutine through its calls, whether those
// uses are allowed there. So a helper subroutine is judged by who calls it, and one that nobody calls may use anything.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy-under-test/vcl/ast.h"
#include "proxy-under-test/vcl/source.h"

namespace badorigin::cache::vcl {

inline bool textual(type of) {
    return of == type::string || of == type::header;
}

class checker {
public:
    /// `of` has the built-in subroutines joined to it already. `acls` must outlive the tree.
    checker(sources& all, tree& of, const std::map<std::string, std::unique_ptr<acl>>& acls, std::string default_backend);
    void run();

private:
    struct use {
        enum class what { read, write, unset, action, function } how;
        place at;
        places allowed;
        std::string name;
    };
    struct called {
        const custom_subroutine* callee;
        place at;
    };
    struct facts {
        std::vector<use> uses;
        std::vector<called> calls;
        double statements = 0;
        // of the walk through the calls
        enum class walked { no, now, done } state = walked::no;
        double cost = 0;
        int depth = 1;
    };

    // checker.cpp
    void collect_names();
    void collect_objects(const block& in);
    void check_block(block& in);
    void check_statement(statement& in);
    void check_set(statement& in);
    void check_unset(statement& in);
    void check_call(statement& in);
    void check_finish(statement& in);
    void check_create(statement& in);
    void refuse_unused();
    void walk(const custom_subroutine& from, int depth);
    void check_places(const custom_subroutine& entry, subroutine which);

    // check_expression.cpp: false where a complaint has been made
    bool check(expression& in);
    bool condition(expression& in);
    bool want(expression& in, type wanted, const std::string& by_whom);
    bool check_word(expression& in);
    bool check_variable(expression& in, const variable& found);
    bool unknown_word(const expression& in);
    bool check_sum(expression& in);
    bool check_product(expression& in);
    bool check_comparison(expression& in);
    bool check_match(expression& in);
    bool compile(const expression& literal, std::shared_ptr<const regex>& into);
    int version_at(place at) const { return all_[at.source].version; }

    // check_call.cpp: likewise
    bool check_call(expression& in);
    bool check_method(expression& in, const std::string& object, const std::string& method);
    bool check_change_of_case(expression& in, const std::string& subject);
    bool unknown_function(const expression& in);
    bool bind(expression& in, const std::vector<parameter>& parameters, bool exactly_one);
    bool bind_one(std::unique_ptr<expression>& argument, const parameter& to, const std::string& callee);

    const variable* known_variable(const std::string& name, place at);
    bool complain(place at, std::string message) {
        all_.complain(at, std::move(message));
        return false;
    }
    void note(use::what how, place at, places allowed, std::string name) {
        if (allowed != everywhere) here_->uses.push_back({how, at, allowed, std::move(name)});
    }

    sources& all_;
    tree& tree_;
    const std::map<std::string, std::unique_ptr<acl>>& acls_;
    std::set<std::string, std::less<>> backends_, imports_, created_;
    std::set<std::string, std::less<>> used_;  ///< names of backends, acls and subroutines
    std::map<std::string, const object_type*, std::less<>> objects_;
    std::unordered_map<std::string_view, const custom_subroutine*> subroutines_;
    std::unordered_map<const custom_subroutine*, facts> facts_;
    facts* here_ = nullptr;
    const custom_subroutine* inside_ = nullptr;
};

/// What a name of another version of the language is called in this one, else a suggestion among `candidates`.
std::string former_or_suggestion(std::string_view name, const std::vector<std::string>& candidates, int version);

}  // namespace badorigin::cache::vcl
