#include "proxy-under-test/vcl/reference.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "proxy-under-test/vcl/table.h"

namespace badorigin::cache::vcl {

namespace {

std::string_view versions(int since, int until) {
    if (since == 30) return "3";
    if (since == 41) return "4.1";
    return until == 40 ? "4.0" : "4";
}

std::string_view shown(support of) {
    return of == support::none ? "no" : of == support::no_setting ? "not to be set" : "yes";
}

std::string places_or_dash(places of, int version) {
    return of == nowhere ? "–" : list(of, version);
}

std::string rows_of(std::span<const variable> variables) {
    std::string text;
    for (const auto& each : variables) {
        text += fmt::format("variable\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", each.name, name(each.of),
                            places_or_dash(each.readable, each.since), places_or_dash(each.writable, each.since),
                            places_or_dash(each.unsettable, each.since), versions(each.since, each.until), shown(each.here), each.about);
    }
    return text;
}

std::string rows_of_actions(int version) {
    static constexpr std::string_view arguments[] = {"", "(status, reason)", "[(status, reason)]", "[(duration)]", "[(message)]"};
    std::string text;
    for (const auto& each : actions(version)) {
        text += fmt::format("action\t{}{}\t{}\t{}\t{}\n", each.word, arguments[static_cast<std::size_t>(each.arguments)],
                            list(each.where, version), version < 40 ? "3" : "4", each.about);
    }
    return text;
}

std::string parameters_of(const std::vector<parameter>& parameters) {
    std::vector<std::string> shown;
    for (const auto& each : parameters) {
        if (each.refused) continue;
        auto text =
            fmt::format("{} {}", each.choices.empty() ? std::string(name(each.of)) : fmt::format("{{{}}}", each.choices), each.name);
        if (each.otherwise) text += "=" + to_string(*each.otherwise);
        shown.push_back(each.optional && !each.otherwise ? '[' + text + ']' : text);
    }
    return fmt::format("{}", fmt::join(shown, ", "));
}

std::string refused_of(const std::vector<parameter>& parameters) {
    std::vector<std::string_view> names;
    for (const auto& each : parameters) {
        if (each.refused) names.push_back(each.name);
    }
    return names.empty() ? "yes" : fmt::format("without {}", fmt::join(names, ", "));
}

std::string row_of(std::string_view kind, const std::string& called, const function& of) {
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", kind, signature(called, of), name(of.result), list(of.where, 41),
                       of.refused ? "no" : refused_of(of.parameters), of.about);
}

}  // namespace

std::string signature(std::string_view name, const function& of) {
    return fmt::format("{}({})", name, parameters_of(of.parameters));
}

std::string reference() {
    auto text = rows_of(variables()) + rows_of(variables_of_3()) + rows_of_actions(41) + rows_of_actions(30);
    for (const auto& each : functions()) text += row_of("function", std::string(each.name), each);
    for (const auto& each : object_types()) {
        text += fmt::format("object\tnew x = {}({});\t{}\n", each.name, parameters_of(each.parameters), each.about);
        for (const auto& method : each.methods) text += row_of("method", fmt::format("x.{}", method.name), method);
    }
    return text;
}

}  // namespace badorigin::cache::vcl
