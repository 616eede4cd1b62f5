#include "fake-backends/proxy_header.h"
#include "harness/scenario/parts.h"
#include "harness/scenario/spelling.h"

namespace badorigin::scenario {

namespace {

constexpr std::array<std::string_view, 16> keys_of_a_client{"client", "ask",     "proxy_header", "version",    "host", "fields",
                                                            "body",   "chunked", "raw",          "connection", "send", "deadline",
                                                            "wait",   "repeat",  "expect",       "premise"};
constexpr std::array<std::string_view, 6> not_with_raw{"version", "host", "fields", "body", "chunked", "send"};

void read_sending(reader& to, const YAML::Node& from, peers::sending& out) {
    static constexpr std::array<std::string_view, 5> keys{"stop_after", "then", "piece", "every", "header_takes"};
    const shape send{to, from, "send", keys};
    send.with("stop_after", [&](const auto& node) { out.stop_after = to.size(node, "stop_after"); });
    send.with("piece", [&](const auto& node) {
        out.piece = to.size(node, "piece");
        if (out.piece == 0u) to.wrong(node, "piece: expected at least one byte");
    });
    send.with("every", [&](const auto& node) {
        set(out.every, to.duration(node, "every", true));
        if (!send.has("piece")) to.wrong(node, "every: is the pause between pieces; 'piece' is missing");
    });
    send.with("header_takes", [&](const auto& node) {
        set(out.header_takes, to.duration(node, "header_takes", true));
        if (out.header_takes.count() == 0) to.wrong(node, "header_takes: expected more than nothing");
        if (send.has("piece")) to.wrong(node, "header_takes: stands without piece; one part of a request is slow at a time");
    });
    send.with("then", [&](const auto& node) {
        set(out.then, to.one_of(node, "then", ending_words));
        if (!send.has("stop_after")) to.wrong(node, "then: is what happens behind stop_after; 'stop_after' is missing");
    });
}

void read_request(reader& to, const shape& from, peers::request& out) {
    from.with("client", [&](const auto& node) {
        auto text = to.text(node, "client");
        if (!text) return;
        if (auto line = read_start_line(to, node, "client", *text, false)) {
            out.method = std::move(line->method);
            out.target = std::move(line->target);
        }
    });
    from.with("version", [&](const auto& node) { set(out.version, read_version(to, node)); });
    from.with("fields", [&](const auto& node) { set(out.fields, read_fields(to, node, "fields")); });
    from.with("host", [&](const auto& node) {
        auto host = to.text(node, "host");
        if (host && host->find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) {
            to.wrong(node, "host: has a line break");
        } else if (host) {
            out.fields.insert(out.fields.begin(), {"Host", std::move(*host)});
        }
    });
    from.with("body", [&](const auto& node) { set(out.body, read_content(to, node, "body")); });
    from.with("chunked", [&](const auto& node) { set(out.body.chunked, to.yes_no(node, "chunked")); });
    from.with("raw", [&](const auto& node) { out.raw = to.text(node, "raw"); });
    from.with("proxy_header", [&](const auto& node) {
        auto text = to.text(node, "proxy_header");
        if (text && !peers::proxy_header_bytes(*text)) {
            to.wrong(node,
                     fmt::format("proxy_header: expected version, client, port, server, port such as '1 192.0.2.1 4321 198.51.100.1 80', "
                                 "or '1 -', found '{}'; a malformed one goes into raw",
                                 *text));
        } else if (text) {
            out.proxy_header = std::move(*text);
        }
    });
    from.with("connection", [&](const auto& node) { set(out.connection, to.name(node, "connection")); });
    from.with("send", [&](const auto& node) { read_sending(to, node, out.sending); });
    from.with("deadline", [&](const auto& node) {
        set(out.deadline, to.duration(node, "deadline"));
        if (out.deadline.count() == 0) to.wrong(node, "deadline: expected more than nothing");
    });
    if (from.has("raw")) from.without(not_with_raw, "has no effect beside raw, which is the whole request");
}

}  // namespace

std::span<const std::string_view> client_keys() {
    return keys_of_a_client;
}

client_act read_client(reader& to, const shape& from, std::string name) {
    client_act out;
    out.name = std::move(name);
    out.at = to.at(from.where());
    read_request(to, from, out.request);
    from.with("ask", [&](const auto& node) {
        auto proxy = to.text(node, "ask");
        if (proxy && to.proxy_names.empty()) {
            to.wrong(node, "ask: names one of several proxies; this scenario has no 'proxies'");
        } else if (proxy && to.known_proxy(node, *proxy)) {
            out.proxy = std::move(*proxy);
        }
    });
    if (!to.proxy_names.empty() && from.lacks("ask"))
        to.wrong(from.where(), fmt::format("ask: is missing; expected one of {}", fmt::join(to.proxy_names, ", ")));
    from.with("wait", [&](const auto& node) { set(out.wait, to.yes_no(node, "wait")); });
    from.with("repeat", [&](const auto& node) { set(out.repeat, to.status(node, "repeat", 1, 1'000'000)); });
    from.with("expect", [&](const auto& node) { out.expect = read_expectation(to, node, "expect"); });
    from.with("premise", [&](const auto& node) { out.premise = read_expectation(to, node, "premise"); });
    return out;
}

}  // namespace badorigin::scenario
