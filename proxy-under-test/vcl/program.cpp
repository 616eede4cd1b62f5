#include "proxy-under-test/vcl/program.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <tuple>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

#include "proxy-under-test/vcl/builtin.h"
#include "proxy-under-test/vcl/checker.h"
#include "proxy-under-test/vcl/convert.h"
#include "proxy-under-test/vcl/definitions.h"
#include "proxy-under-test/vcl/evaluator.h"
#include "proxy-under-test/vcl/parser.h"

namespace badorigin::cache::vcl {

struct program::parts {
    tree code;
    int version = 0;
    std::string default_backend;
    std::map<std::string, std::unique_ptr<acl>> acls;
    std::vector<backend_definition> backends;
    std::vector<object_definition> objects;
    std::array<const custom_subroutine*, subroutine_count> entries{};
};

namespace {

/// What vcl_init sees: there is no request yet, and objects exist only as definitions.
class loading : public context {
public:
    loading(std::vector<object_definition>& objects, int version) : objects_(objects), version_(version) {}

    value read(const variable_name& variable) override {
        if (variable.name == "now") return time_point{std::chrono::system_clock::now().time_since_epoch()};
        std::array<char, 256> host{};
        gethostname(host.data(), host.size() - 1);
        return std::string(host.data());
    }
    const std::string* held(const variable_name&) override { return nullptr; }
    void write(const variable_name&, const value&) override {}
    void unset(const variable_name&) override {}
    void hash_data(std::string_view) override {}
    void synthetic(std::string_view) override {}
    bool ban(std::string_view) override { return false; }
    cookie_jar& cookies() override { return none_; }

    value call(std::string_view function, const std::vector<value>& arguments) override {
        const auto dot = function.rfind('.');
        const auto found = std::ranges::find(objects_, function.substr(0, dot), &object_definition::name);
        if (found != objects_.end()) {
            const auto method = function.substr(dot + 1);
            if (method == "backend") return backend_ref{found->name};
            found->calls.push_back({std::string(method), arguments});
            return true;
        }
        if (function == "std.random") return arguments[0];
        if (function == "std.syntax") return version_ >= std::lround(std::get<double>(arguments[0]) * 10);
        if (function == "std.healthy") return true;
        if (function == "directors.lookup") return backend_ref{to_string(arguments[0])};
        return {};
    }

private:
    std::vector<object_definition>& objects_;
    int version_;
    cookie_jar none_;
};

class initializer : public evaluator {
public:
    initializer(loading& in, const sources& all, std::vector<object_definition>& objects) : evaluator(in), all_(all), objects_(objects) {}

protected:
    void create(const statement& of) override {
        const auto dot = of.type_name.find('.');
        object_definition made{.name = of.name,
                               .module = of.type_name.substr(0, dot),
                               .type = of.type_name.substr(dot + 1),
                               .arguments = {},
                               .calls = {},
                               .at = {.file = all_[of.at.source].name, .line = of.at.line, .column = of.at.column}};
        for (const auto& each : of.parts.front()->parts) made.arguments.push_back(each ? evaluate(*each) : value{});
        objects_.push_back(std::move(made));
    }

private:
    const sources& all_;
    std::vector<object_definition>& objects_;
};

/// Names that begin with vcl_ are the language's. What is built in joins behind what the user wrote under the same name.
void join_behind(tree& code, tree& base) {
    for (auto& each : base.subroutines) {
        if (auto* own = code.find(each->name)) {
            std::ranges::move(each->bodies, std::back_inserter(own->bodies));
        } else {
            code.subroutines.push_back(std::move(each));
        }
    }
}

void join_builtin(sources& all, tree& code, builtin beneath, bool three) {
    tree base;
    if (three) parse(all, all.add("built-in VCL 3", builtin_source_of_3(), "."), ".", base);
    parse(all, all.add("built-in VCL", three ? std::string(builtin_behind_3()) : builtin_source(), "."), ".", base);
    std::vector<std::string> names;
    for (const auto& each : base.subroutines) names.push_back(each->written);
    for (const auto& each : code.subroutines) {
        if (each->name.starts_with("vcl_") && base.find(each->name) == nullptr) {
            all.complain(each->at, fmt::format("there is no subroutine {} in the language, and vcl_ is reserved{}", each->written,
                                               former_or_suggestion(each->written, names, all[each->at.source].version)));
        }
    }
    if (beneath == builtin::rfc && !three) {
        tree rules;
        parse(all, all.add("built-in VCL by the RFCs", std::string(rfc_source()), "."), ".", rules);
        join_behind(code, rules);
    }
    join_behind(code, base);
}

/// The one called default, else the first.
std::string default_of(const tree& code) {
    const auto called = [](const auto& all) { return std::ranges::any_of(all, [](const auto& each) { return each.name == "default"; }); };
    if (called(code.backends) || called(code.directors)) return "default";
    const auto where = [](place at) { return std::tuple(at.source, at.line, at.column); };
    const bool director = !code.directors.empty() && (code.backends.empty() || where(code.directors[0].at) < where(code.backends[0].at));
    return director ? code.directors[0].name : code.backends.empty() ? std::string{} : code.backends[0].name;
}

}  // namespace

program::program() : parts_(std::make_unique<parts>()) {}
program::~program() = default;

std::expected<std::shared_ptr<const program>, std::vector<error>> program::load(std::string source, std::string name,
                                                                                std::string include_directory, builtin beneath) {
    sources all;
    const std::shared_ptr<program> made(new program);
    auto& into = *made->parts_;
    const auto directory = std::filesystem::path(name).parent_path().string();
    const auto which = all.add(std::move(name), std::move(source), directory);
    parse(all, which, include_directory, into.code);
    into.version = all[which].version;
    if (!all.clean()) return std::unexpected(all.errors());  // what was not understood would only be missed everywhere

    into.acls = define_acls(all, into.code);
    into.backends = define_backends(all, into.code);
    if (into.backends.empty())
        all.complain({.source = which}, "the policy has no backend; it needs at least one (`backend default none;` will do)");
    into.objects = define_directors(all, into.code, into.backends);
    into.default_backend = default_of(into.code);
    join_builtin(all, into.code, beneath, into.version < 40);
    checker(all, into.code, into.acls, into.default_backend).run();
    if (!all.clean()) return std::unexpected(all.errors());

    for (std::size_t i = 0; i < subroutine_count; ++i) into.entries[i] = into.code.find(vcl::name(static_cast<subroutine>(i)));
    loading start(into.objects, into.version);
    const auto& init = *into.entries[static_cast<std::size_t>(subroutine::init)];
    if (const auto end = initializer(start, all, into.objects).run(init); end.what == action::fail) {
        all.complain(init.at, fmt::format("vcl_init failed{}{}", end.reason.empty() ? "" : ": ", end.reason));
        return std::unexpected(all.errors());
    }
    return made;
}

outcome program::run(subroutine which, context& in) const {
    if (which == subroutine::init) return {.what = action::ok, .status = 0, .reason = {}};  // ran when the program was loaded
    return evaluator(in).run(*parts_->entries[static_cast<std::size_t>(which)]);
}

int program::version() const {
    return parts_->version;
}
const std::vector<backend_definition>& program::backends() const {
    return parts_->backends;
}
const std::string& program::default_backend() const {
    return parts_->default_backend;
}
const std::vector<object_definition>& program::objects() const {
    return parts_->objects;
}

}  // namespace badorigin::cache::vcl
