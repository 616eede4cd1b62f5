// A context of plain maps, and short ways to load a policy and run a part of it.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache::vcl {

/// Variables are what was put into `known`; everything that was done is written down in `log`.
class fake_context : public context {
public:
    std::map<std::string, value, std::less<>> known;
    std::map<std::string, value, std::less<>> answers;  ///< of calls
    std::vector<std::string> log;
    std::string hashed, body;
    std::map<std::string, std::vector<value>> calls;

    const std::string* held(const variable_name& variable) override {
        const auto found = known.find(variable.name);
        return found == known.end() ? nullptr : std::get_if<std::string>(&found->second);
    }
    value read(const variable_name& variable) override { return read(variable.name); }
    value read(std::string_view variable) {
        ++reads[std::string(variable)];
        const auto found = known.find(variable);
        return found == known.end() ? value{} : found->second;
    }
    void write(const variable_name& variable, const value& to) override {
        known[variable.name] = to;
        log.push_back("set " + variable.name + " = " + to_string(to));
    }
    void unset(const variable_name& variable) override {
        known.erase(variable.name);
        log.push_back("unset " + variable.name);
    }
    value call(std::string_view function, const std::vector<value>& given) override {
        std::string line(function);
        for (const auto& each : given) line += " " + to_string(each);
        log.push_back(line);
        calls[std::string(function)] = given;
        const auto found = answers.find(function);
        return found == answers.end() ? value{} : found->second;
    }
    void hash_data(std::string_view text) override { hashed += std::string(text) + '|'; }
    void synthetic(std::string_view text) override { body = text; }
    bool ban(std::string_view expression) override {
        log.push_back("ban " + std::string(expression));
        return ban_expression::parse(expression).has_value();
    }

    cookie_jar& cookies() override { return jar; }

    cookie_jar jar;
    std::string text(std::string_view variable) { return to_string(read(variable)); }
    std::map<std::string, int> reads;
};

inline std::string all_errors(const std::vector<error>& errors) {
    std::string text;
    for (const auto& each : errors) text += each.text() + '\n';
    return text;
}

inline std::shared_ptr<const program> load(const std::string& source) {
    auto loaded = program::load(source, "policy.vcl");
    EXPECT_TRUE(loaded) << (loaded ? "" : all_errors(loaded.error())) << source;
    return loaded ? *loaded : nullptr;
}

/// The body of vcl_deliver, where most variables of the client side can be seen.
inline std::shared_ptr<const program> deliver_with(const std::string& body) {
    return load("vcl 4.1; import std; import cookie; backend app { .host = \"127.0.0.1\"; } sub vcl_deliver {\n" + body + "\n}");
}

/// What `expression` gives in string context.
inline std::string text_of(const std::string& expression, fake_context& in) {
    const auto loaded = deliver_with("set resp.http.result = " + expression + ";");
    if (!loaded) return "did not load";
    loaded->run(subroutine::deliver, in);
    return in.text("resp.http.result");
}
inline std::string text_of(const std::string& expression) {
    fake_context in;
    return text_of(expression, in);
}

/// Whether `condition` holds.
inline bool holds(const std::string& condition, fake_context& in) {
    const auto loaded = deliver_with("if (" + condition + ") { set resp.http.result = \"yes\"; } else { set resp.http.result = \"no\"; }");
    if (!loaded) return false;
    loaded->run(subroutine::deliver, in);
    EXPECT_NE(in.text("resp.http.result"), "");
    return in.text("resp.http.result") == "yes";
}
inline bool holds(const std::string& condition) {
    fake_context in;
    return holds(condition, in);
}

/// A folder for included files that goes away with the test.
class folder {
public:
    folder() {
        auto name = (std::filesystem::temp_directory_path() / "vcl-test-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~folder() { std::filesystem::remove_all(path_); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

}  // namespace badorigin::cache::vcl
