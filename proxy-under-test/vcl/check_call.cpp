// Calls of functions and methods, and their arguments.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "proxy-under-test/vcl/checker.h"

namespace badorigin::cache::vcl {

bool checker::check_call(expression& in) {
    if (in.change_case != 0) {
        in.of = type::string;
        return want(*in.parts[0], type::string, in.text);
    }
    const auto dot = in.text.rfind('.');
    const auto before = dot == std::string::npos ? std::string{} : in.text.substr(0, dot);
    if (const auto* found = find_function(in.text)) {
        if (!before.empty() && !imports_.contains(before) && !in.implied)
            return complain(in.at, fmt::format("{0} needs `import {1};`", in.text, before));
        in.calls = found;
        in.of = found->result;
        note(use::what::function, in.at, found->where, in.text);
        if (found->refused) return complain(in.at, fmt::format("{} is not supported here", in.text));
        if (!bind(in, found->parameters, found->exactly_one)) return false;
        const auto pattern = std::ranges::find(found->parameters, type::regex, &parameter::of) - found->parameters.begin();
        return pattern == std::ssize(found->parameters) || compile(*in.parts[static_cast<std::size_t>(pattern)], in.pattern);
    }
    if (!before.empty()) {
        const auto method = in.text.substr(dot + 1);
        if (objects_.contains(before)) return check_method(in, before, method);
        if (const auto* subject = find_variable(before, version_at(in.at));
            subject != nullptr && textual(subject->of) && (method == "lower" || method == "upper")) {
            return check_change_of_case(in, before);
        }
    }
    return unknown_function(in);
}

bool checker::check_method(expression& in, const std::string& object, const std::string& method) {
    const auto* of = objects_.at(object);
    if (of == nullptr) return false;  // its `new` has been complained about
    const auto found = std::ranges::find(of->methods, method, &function::name);
    if (found == of->methods.end()) {
        std::vector<std::string> names;
        for (const auto& each : of->methods) names.push_back(fmt::format("{}.{}", object, each.name));
        return complain(in.at, fmt::format("{} has no method {}{}", of->name, method, suggestion(in.text, names)));
    }
    if (inside_->name == "vcl_init" && !created_.contains(object))
        return complain(in.at, fmt::format("{} is used before its `new`", object));
    if (found->refused) return complain(in.at, fmt::format("{} of {} is not supported here", method, of->name));
    note(use::what::function, in.at, found->where, in.text);
    in.calls = &*found;
    in.of = found->result;
    return bind(in, found->parameters, found->exactly_one);
}

bool checker::check_change_of_case(expression& in, const std::string& subject) {
    if (!in.parts.empty()) return complain(in.parts[0]->at, fmt::format("{} takes no arguments", in.text));
    in.change_case = in.text.ends_with("lower") ? 'l' : 'u';
    auto read = std::make_unique<expression>();
    read->what = expression::kind::word;
    read->at = in.at;
    read->text = subject;
    in.parts.push_back(std::move(read));
    in.of = type::string;
    return check(*in.parts[0]);
}

bool checker::unknown_function(const expression& in) {
    const auto module = in.text.substr(0, in.text.find('.'));
    if (find_object_type(in.text) != nullptr)
        return complain(in.at, fmt::format("{0} is a type of object: `new x = {0}(…);` in vcl_init", in.text));
    auto names = function_names();
    for (const auto& [object, of] : objects_) {
        if (of == nullptr) continue;
        for (const auto& each : of->methods) names.push_back(fmt::format("{}.{}", object, each.name));
    }
    const auto hint = suggestion(in.text, names);
    if (module != in.text && !is_module(module) && hint.empty()) {
        return complain(in.at, fmt::format("{}: there is no module or object {}", in.text, module));
    }
    return complain(in.at, fmt::format("unknown function {}{}", in.text, hint));
}

bool checker::bind(expression& in, const std::vector<parameter>& parameters, bool exactly_one) {
    std::vector<expression_pointer> slots(parameters.size());
    bool good = true, named = false;
    for (std::size_t i = 0; i < in.parts.size(); ++i) {
        auto& argument = in.parts[i];
        std::size_t slot = i;
        if (const auto& name = in.argument_names[i]; !name.empty()) {
            named = true;
            slot = static_cast<std::size_t>(std::ranges::find(parameters, name, &parameter::name) - parameters.begin());
            if (slot == parameters.size()) return complain(argument->at, fmt::format("{} has no argument named {}", in.text, name));
        } else if (named) {
            return complain(argument->at, "an argument without a name cannot follow one with a name");
        } else if (slot >= parameters.size()) {
            return complain(argument->at, fmt::format("{} takes {} argument{}, not {}", in.text, parameters.size(),
                                                      parameters.size() == 1 ? "" : "s", in.parts.size()));
        }
        if (parameters[slot].refused)
            return complain(argument->at, fmt::format("the argument {} of {} is not supported here", parameters[slot].name, in.text));
        if (slots[slot] != nullptr) return complain(argument->at, fmt::format("the argument {} is given twice", parameters[slot].name));
        slots[slot] = std::move(argument);
        good = bind_one(slots[slot], parameters[slot], in.text) && good;
    }
    std::size_t given = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (slots[i] != nullptr) {
            given += parameters[i].name != "fallback" ? 1 : 0;
        } else if (parameters[i].otherwise) {
            slots[i] = std::make_unique<expression>();
            slots[i]->constant = *parameters[i].otherwise;
            slots[i]->of = parameters[i].of;
        } else if (!parameters[i].optional) {
            return complain(in.at,
                            fmt::format("{} wants a further argument: {} ({})", in.text, parameters[i].name, name(parameters[i].of)));
        }
    }
    if (exactly_one && given != 1) return complain(in.at, fmt::format("{} converts exactly one value, here are {}", in.text, given));
    in.parts = std::move(slots);
    return good;
}

bool checker::bind_one(expression_pointer& argument, const parameter& to, const std::string& callee) {
    const auto whom = fmt::format("argument {} of {}", to.name, callee);
    if (to.of == type::header || to.of == type::http) {
        const auto* found = argument->what == expression::kind::word ? find_variable(argument->text, version_at(argument->at)) : nullptr;
        const bool request = to.of == type::http && argument->text == "req" && version_at(argument->at) < 40;  // of rollback, in VCL 3
        if (request) found = find_variable("req", 41);
        if (found == nullptr || found->of != to.of) {
            return complain(argument->at,
                            fmt::format("{} wants {}", whom, to.of == type::http ? "req or bereq" : "a header, such as req.http.Cookie"));
        }
        if (!check_variable(*argument, *found)) return false;
        argument->what = expression::kind::literal;  // what the function gets is the name
        argument->constant = argument->text;
        return true;
    }
    if (to.of == type::choice) {
        const auto choices = fmt::format(" {} ", to.choices);
        if (argument->what != expression::kind::word || choices.find(fmt::format(" {} ", argument->text)) == std::string::npos) {
            return complain(argument->at, fmt::format("{} wants one of {}", whom, to.choices));
        }
        argument->what = expression::kind::literal;
        argument->constant = argument->text;
        argument->of = type::choice;
        return true;
    }
    return want(*argument, to.of == type::regex ? type::string : to.of, whom);
}

}  // namespace badorigin::cache::vcl
