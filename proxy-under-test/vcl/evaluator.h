// Runs a checked subroutine against a context.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/vcl/ast.h"
#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache::vcl {

class evaluator {
public:
    explicit evaluator(context& in) : in_(in) {}
    virtual ~evaluator() = default;
    outcome run(const custom_subroutine& entry);

protected:
    /// `new` in vcl_init. Only the load does something with it.
    virtual void create(const statement&) {}
    value evaluate(const expression& of);

private:
    enum class flow { next, leave, finished };
    flow execute(const custom_subroutine& of);
    flow execute(const block& of);
    flow execute(const statement& of);
    void set(const statement& of);
    void finish(const statement& of);

    value read(const variable_name& of);
    bool holds(const expression& of);
    /// The text of an expression, to be looked at before anything is written: where the program or the context holds it, else `made`.
    /// Nothing: it is unset.
    std::optional<std::string_view> look(const expression& of, std::string& made);
    value call(const expression& of);
    value cookie(const expression& of);
    value sum(const expression& of);
    value product(const expression& of);
    bool compare(const expression& of);
    bool compare_texts(const expression& of);
    std::string text(const expression& of) { return to_string(evaluate(of)); }

    context& in_;
    outcome result_;
    value now_;         ///< stays the same for one run
    std::string body_;  ///< of the synthetic response so far
    std::string last_ban_;
};

}  // namespace badorigin::cache::vcl
