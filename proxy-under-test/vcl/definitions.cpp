#include "proxy-under-test/vcl/definitions.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "proxy-under-test/vcl/convert.h"

namespace badorigin::cache::vcl {

namespace {

using probes = std::map<std::string, probe_definition>;

/// Attributes that Varnish has and this cache does not.
constexpr std::array unsupported{"path", "preamble", "via", "authority", "share"};

/// Reads one attribute into a field of the type it must have.
class reader {
public:
    reader(sources& all, const attribute& from) : all_(all), from_(from) {}

    void into(std::string& field) const {
        if (const auto* found = only<std::string>("a STRING")) field = *found;
    }
    void into(int& field, std::int64_t least, std::int64_t most = std::numeric_limits<int>::max()) const {
        const auto* found = only<std::int64_t>("an INT");
        if (found == nullptr) return;
        if (*found < least || *found > most) return complain(fmt::format(".{} must be between {} and {}", from_.name, least, most));
        field = static_cast<int>(*found);
    }
    template <class Field>
    void into_duration(Field& field) const {
        if (const auto* found = only<duration>("a DURATION, such as 5s")) field = found->value;
    }
    /// "80", or 80.
    void into_port(std::string& field) const {
        if (from_.values.size() == 1) {
            if (const auto* number = std::get_if<std::int64_t>(&from_.values[0]->constant)) {
                field = fmt::format("{}", *number);
                return;
            }
        }
        into(field);
    }
    void lines(std::string& field) const {
        std::string text;
        for (const auto& each : from_.values) {
            const auto* line = std::get_if<std::string>(&each->constant);
            if (line == nullptr) return all_.complain(each->at, fmt::format(".{} wants STRINGs, one a line", from_.name));
            text += *line + "\r\n";
        }
        if (text.empty()) return complain(fmt::format(".{} wants STRINGs, one a line", from_.name));
        field = text + "\r\n";
    }

private:
    void complain(std::string message) const { all_.complain(from_.values.empty() ? from_.at : from_.values[0]->at, std::move(message)); }

    template <class Value>
    const Value* only(std::string_view wanted) const {
        const auto* found = from_.values.size() == 1 ? std::get_if<Value>(&from_.values[0]->constant) : nullptr;
        if (found == nullptr) complain(fmt::format(".{} wants {}", from_.name, wanted));
        return found;
    }

    sources& all_;
    const attribute& from_;
};

void unknown(sources& all, const attribute& each, std::string_view of, const std::vector<std::string>& known) {
    if (std::ranges::find(unsupported, each.name) != unsupported.end()) {
        all.complain(each.at, fmt::format(".{} is not supported here", each.name));
    } else {
        all.complain(each.at, fmt::format("unknown attribute .{} of a {}{}", each.name, of, suggestion(each.name, known)));
    }
}

probe_definition define_probe(sources& all, const std::vector<attribute>& attributes) {
    static const std::vector<std::string> known{"url",    "request",   "interval", "timeout",
                                                "window", "threshold", "initial",  "expected_response"};
    probe_definition result;
    bool initial = false;
    const attribute* threshold = nullptr;
    for (const auto& each : attributes) {
        const reader read(all, each);
        if (each.name == "url") {
            read.into(result.url);
        } else if (each.name == "request") {
            read.lines(result.request);
        } else if (each.name == "interval") {
            read.into_duration(result.interval);
        } else if (each.name == "timeout") {
            read.into_duration(result.timeout);
        } else if (each.name == "window") {
            read.into(result.window, 1, 64);
        } else if (each.name == "threshold") {
            read.into(result.threshold, 0, 64);
            threshold = &each;
        } else if (each.name == "initial") {
            read.into(result.initial, 0);
            initial = true;
        } else if (each.name == "expected_response") {
            read.into(result.expected_response, 100, 999);
        } else {
            unknown(all, each, "probe", known);
        }
    }
    if (threshold != nullptr && result.threshold > result.window) all.complain(threshold->at, ".threshold may not be larger than .window");
    if (!initial) result.initial = std::max(0, result.threshold - 1);
    result.initial = std::min(result.initial, result.threshold);
    return result;
}

std::optional<probe_definition> probe_of(sources& all, const attribute& from, const probes& known) {
    if (from.word.empty()) {
        if (!from.values.empty()) {
            all.complain(from.values[0]->at, ".probe wants { … } or the name of a probe");
            return std::nullopt;
        }
        return define_probe(all, from.nested);
    }
    if (const auto found = known.find(from.word); found != known.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [name, _] : known) names.push_back(name);
    all.complain(from.at, fmt::format("undefined probe {}{}", from.word, suggestion(from.word, names)));
    return std::nullopt;
}

backend_definition define_backend(sources& all, const definition& from, const probes& known_probes) {
    static const std::vector<std::string> known{
        "host",         "port", "host_header", "connect_timeout", "first_byte_timeout", "between_bytes_timeout", "max_connections",
        "proxy_header", "probe"};
    const bool three = all[from.at.source].version < 40;
    backend_definition result;
    result.name = from.name;
    if (three) result.saintmode_threshold = 10;
    result.at = {.file = all[from.at.source].name, .line = from.at.line, .column = from.at.column};
    if (from.none) {
        result.port.clear();
        return result;
    }
    bool host = false;
    for (const auto& each : from.attributes) {
        const reader read(all, each);
        if (each.name == "host") {
            read.into(result.host);
            host = true;
        } else if (each.name == "port") {
            read.into_port(result.port);
        } else if (each.name == "host_header") {
            read.into(result.host_header);
        } else if (each.name == "connect_timeout") {
            read.into_duration(result.connect_timeout);
        } else if (each.name == "first_byte_timeout") {
            read.into_duration(result.first_byte_timeout);
        } else if (each.name == "between_bytes_timeout") {
            read.into_duration(result.between_bytes_timeout);
        } else if (each.name == "max_connections") {
            read.into(result.max_connections, 0);
        } else if (each.name == "proxy_header") {
            read.into(result.proxy_header, 1, 2);
        } else if (each.name == "saintmode_threshold" && three) {
            read.into(*result.saintmode_threshold, 0);
        } else if (each.name == "probe") {
            result.probe = probe_of(all, each, known_probes);
        } else {
            unknown(all, each, "backend", known);
        }
        if (each.name != "probe" && (!each.word.empty() || !each.nested.empty()))
            all.complain(each.at, fmt::format(".{} wants a value", each.name));
    }
    if (!host) all.complain(from.at, fmt::format("backend {} has no .host", from.name));
    if (!result.probe) {
        if (const auto found = known_probes.find("default"); found != known_probes.end()) result.probe = found->second;
    }
    return result;
}

template <class Definition>
void refuse_doubles(sources& all, const std::vector<Definition>& from, std::string_view what) {
    std::set<std::string_view> seen;
    for (const auto& each : from) {
        if (!seen.insert(each.name).second) all.complain(each.at, fmt::format("{} {} is defined twice", what, each.name));
    }
}

void add_line(sources& all, const acl_definition& list, const acl_definition::line& line, acl& into) {
    const auto found = address::named(line.address, true);
    if (found.empty()) {
        if (!line.optional)
            all.complain(line.at, fmt::format("{} is neither an address nor a host that can be found; in parentheses it may be missing",
                                              quoted(line.address)));
        return;
    }
    for (const auto& each : found) {
        const auto mask = line.mask.value_or(each.width());
        if (mask > each.width()) return all.complain(line.at, fmt::format("a mask of {} bits is wider than the address", mask));
        if (list.pedantic && acl::has_host_bits(each, mask)) {
            return all.complain(
                line.at,
                fmt::format("the address has bits behind its mask of {}; correct it, or write -pedantic behind the acl's name", mask));
        }
        into.add(each, mask, line.negated);
    }
}

}  // namespace

std::vector<backend_definition> define_backends(sources& all, const tree& from) {
    refuse_doubles(all, from.backends, "backend");
    refuse_doubles(all, from.probes, "probe");
    probes known;
    for (const auto& each : from.probes) {
        known.emplace(each.name, define_probe(all, each.attributes));
        const auto uses = [&](const attribute& a) { return a.name == "probe" && a.word == each.name; };
        const auto used = [&](const definition& d) { return std::ranges::any_of(d.attributes, uses); };
        if (each.name != "default" && std::ranges::none_of(from.backends, used))
            all.complain(each.at, fmt::format("the probe {} is not used", each.name));
    }
    std::vector<backend_definition> result;
    for (const auto& each : from.backends) result.push_back(define_backend(all, each, known));
    const auto named = std::ranges::find(result, "default", &backend_definition::name);
    if (named != result.end()) std::rotate(result.begin(), named, named + 1);
    return result;
}

std::vector<object_definition> define_directors(sources& all, const tree& from, const std::vector<backend_definition>& backends) {
    static const std::map<std::string, std::string, std::less<>> types{
        {"round-robin", "round_robin"}, {"random", "random"}, {"hash", "hash"}, {"fallback", "fallback"}};
    refuse_doubles(all, from.directors, "director");
    std::vector<object_definition> result;
    for (const auto& each : from.directors) {
        const auto type = types.find(each.type);
        if (type == types.end()) {
            const bool known = each.type == "client" || each.type == "dns";
            all.complain(each.type_at, known ? fmt::format("directors of type {} are not supported here", each.type)
                                             : fmt::format("unknown type of director {}{}", quoted(each.type),
                                                           suggestion(each.type, {"round-robin", "random", "hash", "fallback"})));
            continue;
        }
        object_definition made{.name = each.name,
                               .module = "directors",
                               .type = type->second,
                               .arguments = {},
                               .calls = {},
                               .at = {.file = all[each.at.source].name, .line = each.at.line, .column = each.at.column}};
        const bool weighs = each.type == "random" || each.type == "hash";
        for (const auto& member : each.members) {
            const bool defined = std::ranges::find(backends, member.backend, &backend_definition::name) != backends.end() ||
                                 std::ranges::find(from.directors, member.backend, &director_definition::name) != from.directors.end();
            if (!defined) all.complain(member.at, fmt::format("undefined backend {}", member.backend));
            if (member.weight && !weighs) all.complain(member.weight->at, fmt::format("a director of type {} knows no weights", each.type));
            std::vector<value> given{backend_ref{member.backend}};
            if (weighs) given.emplace_back(member.weight ? as_real(member.weight->constant) : 1.0);
            made.calls.push_back({"add_backend", std::move(given)});
        }
        result.push_back(std::move(made));
    }
    return result;
}

std::map<std::string, std::unique_ptr<acl>> define_acls(sources& all, const tree& from) {
    refuse_doubles(all, from.acls, "acl");
    std::map<std::string, std::unique_ptr<acl>> result;
    for (const auto& each : from.acls) {
        auto made = std::make_unique<acl>();
        made->name = each.name;
        for (const auto& line : each.lines) add_line(all, each, line, *made);
        result.emplace(each.name, std::move(made));
    }
    return result;
}

}  // namespace badorigin::cache::vcl
