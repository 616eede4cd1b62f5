#include "proxy-under-test/vcl/checker.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace badorigin::cache::vcl {

namespace {

constexpr int deepest_call = 100;
constexpr double most_statements = 1e6;

/// The type an operator of `set` wants on its right for a variable of this type; nothing where there is no such operator.
std::optional<type> right_side(const std::string& op, type target) {
    const bool text = target == type::string || target == type::header || target == type::body;
    if (op == "=") return text ? type::string : target;
    if (text) return op == "+=" ? std::optional(type::string) : std::nullopt;
    const bool scales = op == "*=" || op == "/=";
    switch (target) {
        case type::integer:
            return type::integer;
        case type::real:
            return type::real;
        case type::duration:
            return scales ? type::real : type::duration;
        case type::bytes:
            return scales ? type::real : type::bytes;
        case type::time:
            return scales ? std::nullopt : std::optional(type::duration);
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string former_or_suggestion(std::string_view name, const std::vector<std::string>& candidates, int version) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> former{{
        {"beresp.saintmode", "saintmode.blacklist(duration) with `import saintmode;`"},
        {"req.backend.healthy", "std.healthy(req.backend_hint) with `import std;`"},
        {"beresp.backend.port", "beresp.backend"},
        {"obj.response", "resp.reason in vcl_synth, obj.reason in vcl_hit"},
        {"vcl_fetch", "vcl_backend_response"},
        {"vcl_error", "vcl_synth for errors of our own, vcl_backend_error for those of a fetch"},
    }};
    if (version < 40) {
        for (const auto& each : variables_of_3()) {
            if (each.is == name) return fmt::format("; that is VCL 4, in VCL 3 it is {}", each.name);
        }
        if (name == "beresp.cacheable" || name == "obj.cacheable")
            return "; since VCL 3 that is said by beresp.ttl or return (hit_for_pass)";
        return suggestion(name, candidates);
    }
    if (const auto found = std::ranges::find(former, name, &std::pair<std::string_view, std::string_view>::first); found != former.end())
        return fmt::format("; that is VCL 3, now it is {}", found->second);
    if (const auto* found = find_variable(name, 30); found != nullptr && !found->is.empty())
        return fmt::format("; that is VCL 3, now it is {}", found->is);
    return suggestion(name, candidates);
}

checker::checker(sources& all, tree& of, const std::map<std::string, std::unique_ptr<acl>>& acls, std::string default_backend)
    : all_(all), tree_(of), acls_(acls) {
    used_.insert(std::move(default_backend));
    for (const auto& each : tree_.directors) {
        for (const auto& member : each.members) used_.insert(member.backend);
    }
}

void checker::run() {
    collect_names();
    for (auto& each : tree_.subroutines) {
        inside_ = each.get();
        here_ = &facts_[inside_];
        for (auto& body : each->bodies) check_block(body);
    }
    if (all_.clean()) refuse_unused();  // what is wrong may have been meant as a use
    for (const auto& each : tree_.subroutines) walk(*each, 1);
    for (const auto& each : tree_.subroutines) {
        if (const auto which = find_subroutine(each->name)) check_places(*each, *which);
    }
}

/// As varnishd does: what nobody uses is most often what somebody meant to use.
void checker::refuse_unused() {
    const auto refuse = [&](std::string_view what, const std::string& name, place at) {
        if (!used_.contains(name)) complain(at, fmt::format("the {} {} is not used", what, name));
    };
    for (const auto& each : tree_.backends) refuse("backend", each.name, each.at);
    for (const auto& each : tree_.directors) refuse("director", each.name, each.at);
    for (const auto& each : tree_.acls) refuse("acl", each.name, each.at);
    for (const auto& each : tree_.subroutines) {
        if (!each->name.starts_with("vcl_")) refuse("subroutine", each->name, each->at);
    }
}

void checker::collect_names() {
    for (const auto& each : tree_.backends) backends_.insert(each.name);
    for (const auto& each : tree_.directors) backends_.insert(each.name);
    for (const auto& each : tree_.imports) {
        if (is_module(each.module)) {
            imports_.insert(each.module);
        } else {
            complain(each.at, fmt::format("unknown module {}; there are {}{}", each.module, fmt::join(module_names(), ", "),
                                          suggestion(each.module, module_names())));
        }
    }
    for (const auto& each : tree_.subroutines) {
        subroutines_.emplace(each->name, each.get());
        facts_[each.get()];
    }
    if (const auto* init = tree_.find("vcl_init")) {
        for (const auto& body : init->bodies) collect_objects(body);
    }
}

void checker::collect_objects(const block& in) {
    for (const auto& each : in) {
        for (const auto& inner : each->blocks) collect_objects(inner);
        if (each->what != statement::kind::create) continue;
        if (backends_.contains(each->name) || acls_.contains(each->name) ||
            !objects_.emplace(each->name, find_object_type(each->type_name)).second) {
            complain(each->name_at, fmt::format("{} is the name of something else already", each->name));
        }
    }
}

void checker::check_block(block& in) {
    for (auto& each : in) {
        ++here_->statements;
        check_statement(*each);
    }
}

void checker::check_statement(statement& in) {
    switch (in.what) {
        case statement::kind::set:
            return check_set(in);
        case statement::kind::unset:
            return check_unset(in);
        case statement::kind::call:
            return check_call(in);
        case statement::kind::finish:
            return check_finish(in);
        case statement::kind::create:
            return check_create(in);
        case statement::kind::expression:
            check(*in.parts.front());
            return;
        case statement::kind::condition:
            for (auto& each : in.parts) condition(*each);
            for (auto& each : in.blocks) check_block(each);
            return;
    }
}

void checker::check_set(statement& in) {
    in.target = known_variable(in.name, in.name_at);
    if (in.target == nullptr) {
        check(*in.parts.front());
        return;
    }
    const auto& target = *in.target;
    const bool earlier = target.writable_until_40 != nowhere;
    if ((earlier && version_at(in.at) == 40) || (target.writable != nowhere && target.here == support::no_setting)) {
        complain(in.name_at, fmt::format("setting {} is not supported here", in.name));
        return;
    }
    const auto writable = target.writable;
    if (writable == nowhere) {
        complain(in.name_at, fmt::format("{} cannot be set{}", in.name, earlier ? " since vcl 4.1" : ""));
        return;
    }
    note(use::what::write, in.name_at, writable, in.name);
    const auto written = in.name;
    if (!target.is.empty()) in.name = target.is;
    const auto wanted = right_side(in.op, target.of);
    if (!wanted) {
        complain(in.name_at, fmt::format("{} is not possible with {}, which is of type {}", in.op, in.name, name(target.of)));
        return;
    }
    in.writes = resolved(target, written);
    if (target.of == type::integer && in.name.ends_with(".status")) in.phrase = resolved(in.name.substr(0, in.name.find('.')) + ".reason");
    want(*in.parts.front(), *wanted, in.op == "=" ? written : fmt::format("{} {}", written, in.op));
}

void checker::check_unset(statement& in) {
    in.target = known_variable(in.name, in.name_at);
    if (in.target == nullptr) return;
    if (in.target->unsettable == nowhere) {
        complain(in.name_at, fmt::format("{} cannot be unset; headers and bereq.body can", in.name));
        return;
    }
    in.writes = resolved(*in.target, in.name);
    note(use::what::unset, in.name_at, in.target->unsettable, in.name);
}

void checker::check_call(statement& in) {
    const auto found = subroutines_.find(in.name);
    if (found == subroutines_.end()) {
        std::vector<std::string> names;
        for (const auto& [each, _] : subroutines_) {
            if (!each.starts_with("vcl_")) names.emplace_back(each);
        }
        std::ranges::sort(names);
        complain(in.name_at, fmt::format("undefined subroutine {}{}", in.name, suggestion(in.name, names)));
    } else if (find_subroutine(in.name)) {
        complain(in.name_at, fmt::format("{} cannot be called; the cache runs it", in.name));
    } else {
        in.callee = found->second;
        used_.insert(in.name);
        here_->calls.push_back({in.callee, in.name_at});
    }
}

void checker::check_finish(statement& in) {
    if (in.plain) {
        if (find_subroutine(inside_->name)) {
            complain(in.at, fmt::format("return without an action is only for subroutines of your own; {} may return {}", inside_->written,
                                        actions_of(*find_subroutine(inside_->name), version_at(in.at))));
        }
        return;
    }
    const auto version = version_at(in.at);
    in.rule = find_action(in.name, version);
    if (in.rule == nullptr) {
        const auto which = find_subroutine(inside_->name);
        std::vector<std::string> words;
        for (const auto& each : actions(version)) words.emplace_back(each.word);
        const auto hint =
            in.name == "vcl" ? std::string("; switching to another policy is not supported here") : suggestion(in.name, words);
        complain(in.name_at, fmt::format("unknown action {}{}{}", in.name, hint,
                                         which ? fmt::format(" ({} may return {})", inside_->written, actions_of(*which, version)) : ""));
        return;
    }
    note(use::what::action, in.name_at, in.rule->where, in.name);
    using takes = action_rule::takes;
    const auto kind = in.rule->arguments;
    const auto most = kind == takes::nothing ? 0U : kind == takes::status_and_reason || kind == takes::optional_status_and_reason ? 2U : 1U;
    if (in.parts.size() > most) {
        complain(in.parts[most]->at, most == 0 ? fmt::format("{} takes no arguments", in.name)
                                               : fmt::format("{} takes no more than {} argument{}", in.name, most, most == 1 ? "" : "s"));
        return;
    }
    if (kind == takes::status_and_reason && in.parts.empty()) {
        complain(in.name_at, fmt::format("{0} needs a status: return ({0}(503, \"reason\"));", in.name));
        return;
    }
    if (kind == takes::optional_duration && !in.parts.empty()) {
        note(use::what::action, in.name_at, vcl::in(subroutine::backend_response), in.name + "(DURATION)");
        want(*in.parts[0], type::duration, "the time of pass");
    } else if (kind == takes::optional_message && !in.parts.empty()) {
        want(*in.parts[0], type::string, "the message of fail");
    } else if (!in.parts.empty()) {
        if (want(*in.parts[0], type::integer, "the status of " + in.name) && in.parts[0]->what == expression::kind::literal) {
            const auto status = std::get<std::int64_t>(in.parts[0]->constant);
            if (status > 65535 || status % 1000 < 100) complain(in.parts[0]->at, fmt::format("{} is no status", status));
        }
        if (in.parts.size() > 1) want(*in.parts[1], type::string, "the reason of " + in.name);
    }
}

void checker::check_create(statement& in) {
    if (inside_->name != "vcl_init") {
        complain(in.at, "new is only possible in vcl_init");
        return;
    }
    auto& made = *in.parts.front();
    const auto* found = find_object_type(in.type_name);
    const auto module = in.type_name.substr(0, in.type_name.find('.'));
    if (found == nullptr) {
        complain(made.at, fmt::format("unknown type of object {}{}", in.type_name, suggestion(in.type_name, object_type_names())));
        return;
    }
    if (!imports_.contains(module)) {
        complain(made.at, fmt::format("{0} needs `import {0};`", module));
        return;
    }
    bind(made, found->parameters, false);
    created_.insert(in.name);
}

void checker::walk(const custom_subroutine& from, int depth) {
    auto& of = facts_.at(&from);
    if (of.state == facts::walked::done) return;
    of.state = facts::walked::now;
    of.cost = of.statements;
    for (const auto& [callee, at] : of.calls) {
        auto& other = facts_.at(callee);
        if (other.state == facts::walked::now) {
            complain(at, fmt::format("{} calls itself by this", callee->name));
            continue;
        }
        if (depth < deepest_call) walk(*callee, depth + 1);
        if (depth >= deepest_call || depth + other.depth > deepest_call) {
            complain(at, fmt::format("calls are nested more than {} deep", deepest_call));
            continue;
        }
        of.depth = std::max(of.depth, other.depth + 1);
        of.cost = std::min(of.cost + other.cost, 2 * most_statements);
    }
    of.state = facts::walked::done;
    if (of.cost > most_statements) complain(from.at, fmt::format("{} could run more than a million statements", from.name));
}

void checker::check_places(const custom_subroutine& entry, subroutine which) {
    std::unordered_set<const custom_subroutine*> seen{&entry};
    std::vector<const custom_subroutine*> open{&entry};
    while (!open.empty()) {
        const auto* at = open.back();
        open.pop_back();
        const auto& of = facts_.at(at);
        const auto whence = at == &entry ? std::string{} : fmt::format(" (called from {})", entry.written);
        for (const auto& each : of.uses) {
            if ((each.allowed & in(which)) != 0) continue;
            using what = use::what;
            if (each.how == what::action) {
                complain(each.at, fmt::format("return ({}) is not possible in {}{}; it may return {}", each.name, entry.written, whence,
                                              actions_of(which, version_at(each.at))));
            } else if (each.allowed == nowhere) {
                complain(each.at, fmt::format("{} can be {} nowhere", each.name, each.how == what::read ? "read" : "used"));
            } else {
                const auto verb = each.how == what::read    ? "read"
                                  : each.how == what::write ? "set"
                                  : each.how == what::unset ? "unset"
                                                            : "used";
                complain(each.at, fmt::format("{} cannot be {} in {}{}, only in {}", each.name, verb, entry.written, whence,
                                              list(each.allowed, version_at(each.at))));
            }
        }
        for (const auto& [callee, _] : of.calls) {
            if (seen.insert(callee).second) open.push_back(callee);
        }
    }
}

}  // namespace badorigin::cache::vcl
