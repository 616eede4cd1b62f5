#include "proxy-under-test/vcl/parser.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <glob.h>

#include "proxy-under-test/vcl/parser_state.h"

namespace badorigin::cache::vcl {

namespace {

const std::vector<std::string> declarations{"vcl", "backend", "probe", "acl", "import", "include", "sub", "director"};

class parser : public statement_parser {
public:
    parser(sources& all, std::uint32_t which, const std::string& directory, std::vector<std::string>& open, tree& into)
        : statement_parser(all, which), directory_(directory), open_(open), tree_(into) {}

    void run(bool included) {
        try {
            version(included);
        } catch (const gave_up&) { return; }
        while (!at_end()) {
            const auto start = here_;
            try {
                declaration();
            } catch (const gave_up&) {
                if (here_ == start) take();  // or the same declaration would be refused for ever
                skip_to_declaration();
            }
        }
    }

private:
    void version(bool included) {
        if (!sees("vcl")) {
            if (!included) all_[which_].version = 30;
            return;
        }
        take();
        const auto at = peek().at;
        const auto& number = take();
        if (number.what != token::kind::real || (number.text != "4.0" && number.text != "4.1")) {
            fail(at, fmt::format("this reads vcl 4.0, vcl 4.1 and, without a version marker, VCL 3; not {}", number.shown()));
        }
        const int version = number.text == "4.0" ? 40 : 41;
        if (included && three()) fail(at, "VCL 3, which has no version marker, cannot include VCL 4");
        if (included && version > all_[which_].version) fail(at, "an included file may not be newer than the one that includes it");
        all_[which_].version = version;
        expect(";", "behind the version");
    }

    void declaration() {
        const auto& word = peek();
        if (accept("sub")) return subroutine_definition();
        if (accept("backend")) return backend();
        if (accept("probe")) return probe();
        if (accept("acl")) return access_list();
        if (accept("import")) return import_module();
        if (accept("include")) return include();
        if (sees("vcl")) fail(word.at, "the version stands once, at the top");
        if (three() && accept("director")) return director();
        if (word.is("director"))
            fail(word.at, "directors are objects: `import directors;` and `new x = directors.round_robin();` in vcl_init");
        fail(word.at, fmt::format("expected a declaration (backend, probe, acl, import, include or sub), found {}{}", word.shown(),
                                  word.what == token::kind::word ? suggestion(word.text, declarations) : ""));
    }

    /// To the next word that opens a declaration, outside of braces as far as those can be told.
    void skip_to_declaration() {
        int open = 0;
        while (!at_end()) {
            if (open <= 0 && peek().at.column == 1 && std::ranges::find(declarations, peek().text) != declarations.end()) return;
            if (sees("{")) ++open;
            if (sees("}") && --open <= 0) {
                take();
                return;
            }
            take();
        }
    }

    void subroutine_definition() {
        const auto& found = expect_name("the name of the subroutine");
        const auto name = canonical(found);
        auto* existing = tree_.find(name);
        if (existing != nullptr && !found.text.starts_with("vcl_")) {
            fail(found.at, fmt::format("subroutine {} is defined twice (first on line {}); only those of vcl_… are joined", found.text,
                                       existing->at.line));
        }
        if (existing == nullptr) {
            tree_.subroutines.push_back(std::make_unique<custom_subroutine>());
            existing = tree_.subroutines.back().get();
            existing->name = name;
            existing->written = found.text;
            existing->at = found.at;
        }
        const auto index = static_cast<std::size_t>(
            std::ranges::find(tree_.subroutines, existing, &std::unique_ptr<custom_subroutine>::get) - tree_.subroutines.begin());
        auto body = braces("of the subroutine");
        tree_.subroutines[index]->bodies.push_back(std::move(body));
    }

    /// "vcl_backend_response" for the vcl_fetch of VCL 3.
    std::string canonical(const token& written) {
        if (!three()) return written.text;
        if (written.text == "vcl_fetch") return "vcl_backend_response";
        if (written.text == "vcl_error") return "vcl_synth";
        if (const auto which = find_subroutine(written.text); which && name(*which, 30) != written.text) {
            const auto now = name(*which, 30);
            fail(written.at,
                 fmt::format("there is no {} in VCL 3{}", written.text, now.empty() ? "" : fmt::format("; there it is {}", now)));
        }
        return written.text;
    }

    /// director x round-robin { { .backend = a; } { .backend = { .host = "…"; } .weight = 2; } }
    void director() {
        const auto& found = expect_name("the name of the director");
        director_definition result{.name = found.text, .type = {}, .at = found.at, .type_at = peek().at, .members = {}};
        result.type = expect(token::kind::word, "the type of the director, such as round-robin").text;
        const auto opened = peek().at;
        expect("{", "of the director");
        while (!accept("}")) {
            if (at_end()) fail(opened, "this { is never closed");
            if (sees(".")) fail(peek().at, "attributes of a director are not supported here, only its members: { .backend = x; }");
            member(result);
        }
        tree_.directors.push_back(std::move(result));
    }

    void member(director_definition& of) {
        const auto at = peek().at;
        director_definition::member next{.backend = {}, .at = at, .weight = nullptr};
        for (auto& each : attributes("of the director's member")) {
            if (each.name == "backend" && !each.word.empty()) {
                next.backend = each.word;
            } else if (each.name == "backend" && each.values.empty()) {
                next.backend = fmt::format("{}[{}]", of.name, of.members.size());
                tree_.backends.push_back({.name = next.backend, .at = each.at, .none = false, .attributes = std::move(each.nested)});
            } else if (each.name == "weight" && each.values.size() == 1) {
                next.weight = std::move(each.values.front());
            } else {
                fail(each.at, fmt::format("a member of a director has .backend and .weight, not .{}{}", each.name,
                                          suggestion(each.name, {"backend", "weight"})));
            }
        }
        if (next.backend.empty()) fail(at, "a member of a director needs a .backend");
        of.members.push_back(std::move(next));
    }

    void backend() {
        const auto& found = expect_name("the name of the backend");
        definition result{.name = found.text, .at = found.at, .none = false, .attributes = {}};
        if (!three() && accept("none")) {
            result.none = true;
            semicolon();
        } else {
            result.attributes = attributes("of the backend");
        }
        tree_.backends.push_back(std::move(result));
    }

    void probe() {
        const auto& found = expect_name("the name of the probe");
        definition result{.name = found.text, .at = found.at, .none = false, .attributes = {}};
        result.attributes = attributes("of the probe");
        tree_.probes.push_back(std::move(result));
    }

    std::vector<attribute> attributes(std::string_view of_what) {
        const deeper one(*this);
        const auto opened = peek().at;
        expect("{", of_what);
        std::vector<attribute> result;
        while (!accept("}")) {
            if (at_end()) fail(opened, "this { is never closed");
            attribute next;
            next.at = peek().at;
            expect(".", "before an attribute such as .host");
            next.name = expect_name("the name of an attribute").text;
            expect("=", "behind the attribute's name");
            if (sees("{")) {
                next.nested = attributes("of the probe");
                accept(";");
            } else if (peek().what == token::kind::word && peek().text != "true" && peek().text != "false") {
                next.word = take().text;
                semicolon();
            } else {
                do next.values.push_back(attribute_value());
                while (!sees(";") && next.name == "request" && peek().what == token::kind::text);
                semicolon();
            }
            result.push_back(std::move(next));
        }
        return result;
    }

    expression_pointer attribute_value() {
        auto result = std::make_unique<expression>();
        result->at = peek().at;
        const auto& found = peek();
        if (found.what == token::kind::symbol || found.what == token::kind::end)
            fail(found.at, fmt::format("expected a value, found {}", found.shown()));
        result->quoted = found.what == token::kind::text;
        if (found.what == token::kind::text) {
            result->constant = found.text;
        } else if (found.what == token::kind::word) {
            result->constant = found.text == "true";
        } else {
            result->constant = take_number();
            return result;
        }
        take();
        return result;
    }

    void access_list() {
        const auto& found = expect_name("the name of the acl");
        acl_definition result{.name = found.text, .at = found.at, .pedantic = !three(), .lines = {}};
        while (sees("+") || sees("-")) {
            const bool on = take().text == "+";
            const auto& flag = expect_name("a flag of the acl (log, table, pedantic)");
            if (flag.text == "pedantic") result.pedantic = on;
            if (flag.text == "log" && on) fail(flag.at, "the flag +log of an acl is not supported here");
            if (flag.text != "pedantic" && flag.text != "log" && flag.text != "table" && flag.text != "fold") {
                fail(flag.at,
                     fmt::format("unknown flag {} of an acl{}", flag.shown(), suggestion(flag.text, {"log", "table", "pedantic", "fold"})));
            }
        }
        const auto opened = peek().at;
        expect("{", "of the acl");
        while (!accept("}")) {
            if (at_end()) fail(opened, "this { is never closed");
            result.lines.push_back(access_line());
        }
        tree_.acls.push_back(std::move(result));
    }

    acl_definition::line access_line() {
        acl_definition::line result;
        result.negated = accept("!");
        result.optional = accept("(");
        if (!result.negated) result.negated = accept("!");
        result.at = peek().at;
        result.address = expect(token::kind::text, "an address in quotes").text;
        if (accept("/")) {
            const auto& mask = expect(token::kind::integer, "the width of the mask");
            const auto* width = std::get_if<std::int64_t>(&mask.number);
            if (width == nullptr || *width < 0 || *width > 128) fail(mask.at, "a mask has 0 to 128 bits");
            result.mask = static_cast<int>(*width);
        }
        if (result.optional) expect(")", "behind the address");
        semicolon();
        return result;
    }

    void import_module() {
        const auto& found = expect_name("the name of a module");
        tree_.imports.push_back({found.text, found.at});
        if (sees("from")) fail(peek().at, "from is not supported here: the modules are built in");
        semicolon();
    }

    void include() {
        bool pattern = false;
        if (accept("+")) {
            const auto& flag = expect_name("glob");
            if (flag.text != "glob") fail(flag.at, fmt::format("unknown flag {} of include; there is +glob", flag.shown()));
            pattern = true;
        }
        const auto at = peek().at;
        const auto name = expect(token::kind::text, "the name of a file in quotes").text;
        semicolon();
        namespace fs = std::filesystem;
        if (name.empty() || name.find('\0') != std::string::npos) fail(at, "include needs the name of a file");
        const auto path = name.starts_with("./")  ? fs::path(all_[which_].directory) / name.substr(2)
                          : name.starts_with('/') ? fs::path(name)
                                                  : fs::path(directory_) / name;
        if (!pattern) return include_file(path.lexically_normal().string(), at);
        glob_t found{};
        if (glob(path.c_str(), GLOB_NOMAGIC, nullptr, &found) == 0) {
            const std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
            globfree(&found);
            for (const auto& file : files) include_file(file, at);
        } else {
            globfree(&found);
        }
    }

    void include_file(const std::string& path, place at) {
        if (std::ranges::find(open_, path) != open_.end()) fail(at, fmt::format("{} includes itself", path));
        if (open_.size() >= 20) fail(at, "includes are nested more than 20 deep");
        if (all_.full()) fail(at, "too many files are included");
        std::error_code failed;
        if (!std::filesystem::is_regular_file(path, failed)) fail(at, fmt::format("cannot read {}: no such file", path));
        if (std::filesystem::file_size(path, failed) > 4'000'000) fail(at, fmt::format("{} is larger than any policy", path));
        std::ifstream file(path, std::ios::binary);
        if (!file) fail(at, fmt::format("cannot read {}", path));
        const auto which = all_.add(path, {std::istreambuf_iterator<char>(file), {}}, std::filesystem::path(path).parent_path().string());
        all_[which].version = all_[which_].version;
        open_.push_back(path);
        parser(all_, which, directory_, open_, tree_).run(true);
        open_.pop_back();
    }

    const std::string& directory_;
    std::vector<std::string>& open_;
    tree& tree_;
};

}  // namespace

void parse(sources& all, std::uint32_t which, const std::string& include_directory, tree& into) {
    std::vector<std::string> open{std::filesystem::path(all[which].name).lexically_normal().string()};
    parser(all, which, include_directory, open, into).run(false);
}

}  // namespace badorigin::cache::vcl
