#include <algorithm>

#include "fake-backends/wire_text.h"
#include "harness/scenario/parts.h"
#include "harness/scenario/spelling.h"

namespace badorigin::scenario {

namespace {

using peers::reply;

constexpr std::array<std::string_view, 19> reply_keys{"status", "reason",        "version", "fields", "body",      "chunked", "cache",
                                                      "etag",   "last_modified", "delay",   "close",  "validates", "interim", "fault",
                                                      "raw",    "keep_open",     "repeat",  "until",  "when"};
// A fault may stand beside raw: it can drip, stall or cut these bytes as well.
constexpr std::array<std::string_view, 12> not_with_raw{"status", "reason", "version",       "fields", "body",      "chunked",
                                                        "cache",  "etag",   "last_modified", "close",  "validates", "interim"};

bool has_field(const peers::field_lines& fields, std::string_view lower) {
    return std::ranges::any_of(fields, [&](const auto& line) {
        return std::ranges::equal(line.first, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
    });
}

/// `no`, a duration, or the field's value as it stands.
std::optional<std::string> read_cache(reader& to, const YAML::Node& from) {
    auto text = to.text(from, "cache");
    if (!text) return std::nullopt;
    if (is_plain(from) && (*text == "no" || *text == "false")) return "no-store";
    const auto lifetime = evaluate(*text, to.promises);
    if (!lifetime) return text;
    using std::chrono::seconds;
    const auto whole = std::chrono::duration_cast<seconds>(lifetime->offset);
    if (whole != lifetime->offset || whole.count() < 0) {
        to.wrong(from, fmt::format("cache: max-age counts whole seconds, found '{}' ({})", *text, format_duration(lifetime->offset)));
        return std::nullopt;
    }
    return fmt::format("max-age={}", whole.count());
}

bool is_entity_tag(std::string_view text) {
    if (text.starts_with("W/")) text.remove_prefix(2);
    return text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
           text.substr(1, text.size() - 2).find_first_of("\"\r\n ") == std::string_view::npos;
}

void check_dates(reader& to, const YAML::Node& from, const peers::field_lines& fields) {
    for (const auto& [name, value] : fields) {
        if (!peers::with_dates(value, std::chrono::seconds{0}))
            to.wrong(from, fmt::format("{}: '{}': expected a date such as {{date}}, {{date + 60s}}, {{date - 2h}}", name, value));
    }
}

void read_field_keys(reader& to, const shape& from, reply& out) {
    from.with("fields", [&](const auto& node) {
        set(out.fields, read_fields(to, node, "fields"));
        check_dates(to, node, out.fields);
    });
    from.with("cache", [&](const auto& node) {
        if (auto value = read_cache(to, node)) out.fields.emplace_back("Cache-Control", std::move(*value));
    });
    from.with("etag", [&](const auto& node) {
        auto value = to.text(node, "etag");
        if (value && !is_entity_tag(*value)) {
            to.wrong(node,
                     fmt::format("etag: expected an entity tag such as '\"a\"' or 'W/\"a\"', found '{}'; a malformed one goes into fields",
                                 *value));
        } else if (value) {
            out.fields.emplace_back("ETag", std::move(*value));
        }
    });
    from.with("last_modified", [&](const auto& node) {
        if (auto value = to.text(node, "last_modified")) out.fields.emplace_back("Last-Modified", std::move(*value));
    });
    from.with("validates", [&](const auto& node) {
        set(out.validates, to.yes_no(node, "validates"));
        if (out.validates && !from.has("etag") && !from.has("last_modified") && !has_field(out.fields, "etag") &&
            !has_field(out.fields, "last-modified")) {
            to.wrong(node, "validates: needs an etag or last_modified to validate");
        }
    });
}

void read_interim(reader& to, const YAML::Node& from, reply& out) {
    if (!from.IsSequence()) {
        if (auto status = to.status(from, "interim", 100, 199)) out.interim.push_back(*status);
        return;
    }
    for (const auto& item : to.list(from, "interim")) {
        if (auto status = to.status(item, "interim", 100, 199)) out.interim.push_back(*status);
    }
}

void read_use(reader& to, const shape& from, reply& out) {
    from.with("repeat", [&](const auto& node) {
        if (node.IsScalar() && node.Scalar() == "forever") {
            out.repeat = -1;
        } else if (node.IsScalar() && is_plain(node) && !node.Scalar().empty() &&
                   node.Scalar().find_first_not_of("0123456789") == std::string::npos) {
            set(out.repeat, to.status(node, "repeat", 1, 1'000'000));
        } else {
            to.wrong(node, fmt::format("repeat: expected a number of times or forever, found {}", describe(node)));
        }
    });
    from.with("until", [&](const auto& node) { set(out.until, to.duration(node, "until", true)); });
    from.with("when", [&](const auto& node) { set(out.when, to.one_of(node, "when", condition_words)); });
}

reply read_reply(reader& to, const YAML::Node& from, int repeat) {
    reply out;
    out.repeat = repeat;
    const shape keys{to, from, "a reply", reply_keys};
    keys.with("status", [&](const auto& node) { set(out.status, to.status(node, "status")); });
    keys.with("reason", [&](const auto& node) {
        set(out.reason, to.text(node, "reason"));
        if (out.reason.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) to.wrong(node, "reason: has a line break");
    });
    keys.with("version", [&](const auto& node) { set(out.version, read_version(to, node)); });
    keys.with("body", [&](const auto& node) { set(out.body, read_content(to, node, "body")); });
    keys.with("chunked", [&](const auto& node) { set(out.body.chunked, to.yes_no(node, "chunked")); });
    keys.with("delay", [&](const auto& node) { set(out.delay, to.duration(node, "delay", true)); });
    keys.with("close", [&](const auto& node) { set(out.close, to.yes_no(node, "close")); });
    keys.with("interim", [&](const auto& node) { read_interim(to, node, out); });
    keys.with("fault", [&](const auto& node) { out.fault = read_fault(to, node); });
    keys.with("raw", [&](const auto& node) { out.raw = to.text(node, "raw"); });
    keys.with("keep_open", [&](const auto& node) {
        set(out.keep_open, to.yes_no(node, "keep_open"));
        if (!keys.has("raw")) to.wrong(node, "keep_open: belongs to raw; other replies keep the connection unless `close: yes`");
    });
    read_field_keys(to, keys, out);
    read_use(to, keys, out);
    if (keys.has("raw")) keys.without(not_with_raw, "has no effect beside raw, which is the whole response");
    return out;
}

}  // namespace

std::vector<reply> read_replies(reader& to, const YAML::Node& from) {
    std::vector<reply> out;
    if (from.IsMap()) {
        out.push_back(read_reply(to, from, -1));
        return out;
    }
    if (!from.IsSequence()) {
        to.wrong(from, fmt::format("expected a reply such as {{status: 200, body: text}}, or a list of replies, found {}", describe(from)));
        return out;
    }
    bool endless = false;
    for (const auto& item : to.list(from, "replies")) {
        if (endless) to.wrong(item, "this reply is never used: one before it repeats forever");
        out.push_back(read_reply(to, item, 1));
        endless = out.back().repeat == -1 && out.back().when == peers::condition::always && !out.back().until;
    }
    return out;
}

namespace {

peers::origin_script read_origin(reader& to, const entry& from) {
    peers::origin_script out;
    out.name = from.key;
    if (!is_name(from.key))
        to.wrong(from.key_node, fmt::format("origins: '{}' is no name; expected a letter, then letters, digits, '-' or '_'", from.key));
    for (const auto& one : to.entries(from.value, fmt::format("origin {}", from.key))) {
        if (one.key == "listen") {
            set(out.start, to.one_of(one.value, "listen", listening_words));
        } else if (one.key.find(' ') == std::string::npos && !near_miss(one.key, {"listen"}).empty()) {
            to.wrong(one.key_node, fmt::format("origin {}: unknown key '{}'; did you mean 'listen'?", from.key, one.key));
        } else if (auto line = read_start_line(to, one.key_node, fmt::format("origin {}", from.key), one.key, true)) {
            out.routes.push_back({std::move(line->method), std::move(line->target), read_replies(to, one.value)});
        }
    }
    return out;
}

}  // namespace

std::vector<peers::origin_script> read_origins(reader& to, const YAML::Node& from) {
    std::vector<peers::origin_script> out;
    for (const auto& one : to.entries(from, "origins")) out.push_back(read_origin(to, one));
    return out;
}

std::vector<std::string> read_origin_names(const YAML::Node& from) {
    std::vector<std::string> out;
    if (!from.IsMap()) return out;
    for (const auto& pair : from) {
        if (pair.first.IsScalar()) out.push_back(pair.first.Scalar());
    }
    return out;
}

}  // namespace badorigin::scenario
