#include "harness/replay/allowed.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fnmatch.h>
#include <nlohmann/json.hpp>

#include "harness/scenario/yaml.h"

namespace badorigin::replay {

namespace {

using nlohmann::json;

bool like(const std::string& pattern, const std::string& text) {
    return pattern.empty() || ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

const std::map<std::string, std::string allowed_difference::*> members{
    {"reason", &allowed_difference::reason}, {"proxy", &allowed_difference::proxy},   {"kind", &allowed_difference::kind},
    {"name", &allowed_difference::name},     {"method", &allowed_difference::method}, {"target", &allowed_difference::target},
    {"then", &allowed_difference::then},     {"now", &allowed_difference::now}};

allowed_difference read_entry(const std::string& list, std::size_t number, const json& from) {
    const auto wrong = [&](const std::string& why) { return std::invalid_argument(fmt::format("{}: entry {}: {}", list, number, why)); };
    if (!from.is_object()) throw wrong("an object is expected");
    allowed_difference out;
    for (const auto& [key, value] : from.items()) {
        if (key == "at_most" && value.is_number_unsigned()) {
            out.at_most = value.get<std::size_t>();
        } else if (const auto member = members.find(key); member != members.end() && value.is_string()) {
            out.*(member->second) = value.get<std::string>();
        } else if (member != members.end() || key == "at_most") {
            throw wrong(fmt::format("{} must be {}", key, key == "at_most" ? "a number from 0" : "text"));
        } else {
            std::vector<std::string> known{"at_most"};
            for (const auto& [name, _] : members) known.push_back(name);
            const auto near = scenario::near_miss(key, known);
            throw wrong(fmt::format("there is no key {}{}", key, near.empty() ? "" : fmt::format("; did you mean {}?", near)));
        }
    }
    if (out.reason.empty()) throw wrong("a reason is missing: what is allowed without one is allowed forever");
    return out;
}

}  // namespace

allowed_differences allowed_differences::read(const std::string& file) {
    errno = 0;
    std::ifstream in(file);
    std::ostringstream text;
    if (in) text << in.rdbuf();
    if (!in || errno != 0) throw std::invalid_argument(fmt::format("{}: {}", file, std::strerror(errno)));
    return parse(text.str(), file);
}

allowed_differences allowed_differences::parse(const std::string& text, const std::string& name) {
    json document;
    try {
        document = json::parse(text);
    } catch (const json::exception& e) { throw std::invalid_argument(fmt::format("{}: {}", name, e.what())); }
    if (!document.is_object() || !document.contains("allowed") || !document["allowed"].is_array())
        throw std::invalid_argument(fmt::format("{}: expected {{\"allowed\": [{{\"reason\": …}}, …]}}", name));
    allowed_differences out;
    for (const auto& one : document["allowed"]) out.all_.push_back(read_entry(name, out.all_.size() + 1, one));
    return out;
}

const allowed_difference* allowed_differences::allow(const traffic::difference& what, const traffic::recording& in,
                                                     std::string_view proxy) {
    const auto& asked = in.asks[what.ask].what;
    for (auto& one : all_) {
        const bool fits = one.met < one.at_most && like(one.proxy, std::string{proxy}) && like(one.kind, std::string{name(what.what)}) &&
                          like(one.name, what.name) && like(one.method, asked.method) && like(one.target, asked.target) &&
                          like(one.then, what.then) && like(one.now, what.now);
        if (!fits) continue;
        ++one.met;
        return &one;
    }
    return nullptr;
}

std::vector<const allowed_difference*> allowed_differences::idle(std::string_view proxy) const {
    std::vector<const allowed_difference*> out;
    for (const auto& one : all_)
        if (one.met == 0 && like(one.proxy, std::string{proxy})) out.push_back(&one);
    return out;
}

void allowed_differences::begin_again() {
    for (auto& one : all_) one.met = 0;
}

}  // namespace badorigin::replay
