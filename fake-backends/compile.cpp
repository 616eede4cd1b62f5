#include "fake-backends/compile.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "fake-backends/faults/draft.h"

namespace badorigin::peers {

namespace {

bool bodiless(int status) {
    return status / 100 == 1 || status == 204 || status == 304;
}

std::string_view opaque_tag(std::string_view etag) {
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    return etag;
}

/// RFC 9110 13.1.2: weak comparison with any member of the list.
bool tag_listed(const std::string& list, std::string_view etag) {
    if (list == "*") return true;
    const field_lines as_field{{"tags", list}};
    return lists_token(as_field, "tags", etag) || lists_token(as_field, "tags", opaque_tag(etag)) ||
           lists_token(as_field, "tags", fmt::format("W/{}", opaque_tag(etag)));
}

bool still_valid(const reply& script, const request_facts& asked) {
    if (!script.validates || script.status != 200 || (asked.method != "GET" && asked.method != "HEAD")) return false;
    if (const auto* list = field_value(asked.fields, "If-None-Match")) {
        const auto* etag = field_value(script.fields, "ETag");
        return etag != nullptr && tag_listed(*list, *etag);
    }
    const auto* since = field_value(asked.fields, "If-Modified-Since");
    const auto* modified = field_value(script.fields, "Last-Modified");
    if (since == nullptr || modified == nullptr) return false;
    const auto asked_time = read_http_date(*since), own_time = read_http_date(*modified);
    return *since == *modified || (asked_time && own_time && *own_time <= *asked_time);
}

bool keeps(const reply& script, const request_facts& asked) {
    if (script.close || lists_token(script.fields, "Connection", "close") || lists_token(asked.fields, "Connection", "close")) return false;
    return (asked.version != "1.0" && script.version != "1.0") || lists_token(asked.fields, "Connection", "keep-alive");
}

wire_program raw_program(const reply& script, draft& made) {
    const auto blank = script.raw->find("\r\n\r\n");
    made.head = blank == std::string::npos ? *script.raw : script.raw->substr(0, blank + 4);
    made.body = blank == std::string::npos ? std::string() : script.raw->substr(blank + 4);
    made.keep = script.keep_open;
    wire_program program;
    program.actions = made.opening();
    return program;
}

bool ends(const action& last) {
    return std::holds_alternative<act::close>(last) || std::holds_alternative<act::reset>(last) ||
           std::holds_alternative<act::half_close>(last);
}

}  // namespace

std::string interim_bytes(int status) {
    return fmt::format("HTTP/1.1 {} {}\r\n{}\r\n", status, registered_phrase(status),
                       status == 103 ? "Link: </style.css>; rel=preload\r\n" : "");
}

void draft::set_status(int code) {
    status = code;
    reason = registered_phrase(code);
    frames = body_sent = !bodiless(code);
    if (asked.method == "HEAD") body_sent = false;
}

void draft::need_content() {
    if (content.empty() && body_sent) content = generated_bytes(1024, 1);
}

draft compose(const reply& script, const request_facts& asked, std::string_view serial, std::chrono::seconds date, bool reused) {
    draft made(script, asked, serial, reused);
    made.version = script.version;
    const bool validated = still_valid(script, asked);
    made.set_status(validated ? 304 : script.status);
    if (!validated && !script.reason.empty()) made.reason = script.reason;

    made.lines = {{"Date", http_date(date)}, {"Badorigin-Serial", std::string(serial)}};
    std::erase_if(made.lines, [&](const auto& line) { return field_value(script.fields, line.first) != nullptr; });
    for (const auto& line : script.fields) {
        const bool of_content = line.first.size() > 8 && same_text(std::string_view(line.first).substr(0, 8), "Content-");
        if (!validated || !of_content || same_text(line.first, "Content-Location"))
            made.lines.emplace_back(line.first, with_dates(line.second, date).value_or(line.second));
    }

    made.content = script.body.bytes();
    made.keep = keeps(script, asked);
    if (script.body.chunked) {
        // A recipient of HTTP/1.0 knows no chunks (RFC 9112 6.1): its body ends with the connection.
        const bool understood = asked.version != "1.0" && script.version != "1.0";
        made.framing = understood ? draft::coding::chunked : draft::coding::until_close;
        if (!understood && made.frames) made.keep = false;
    }
    made.interim = script.interim;
    made.continue_expected = asked.body_announced && asked.version != "1.0" && lists_token(asked.fields, "Expect", "100-continue");
    return made;
}

void draft::render() {
    const bool has_length = field_value(lines, "Content-Length") != nullptr,
               has_coding = field_value(lines, "Transfer-Encoding") != nullptr;
    if (frames && framing == coding::length && !has_length && !has_coding)
        lines.emplace_back("Content-Length", std::to_string(content.size()));
    if (frames && framing == coding::chunked && !has_coding) lines.emplace_back("Transfer-Encoding", "chunked");
    if (field_value(lines, "Connection") == nullptr) {
        if (!keep && announce_close) lines.emplace_back("Connection", "close");
        if (keep && (asked.version == "1.0" || version == "1.0")) lines.emplace_back("Connection", "keep-alive");
    }
    head.clear();
    if (head_sent) {
        head = start_line ? *start_line : fmt::format("HTTP/{} {} {}", version, status, reason);
        head += line_end;
        for (const auto& [n, v] : lines) ((head += n) += ": ").append(v) += line_end;
        head += line_end;
    }
    body.clear();
    if (body_sent) body = framing == coding::chunked ? chunk_coded(content, chunks) : content;
}

std::vector<action> draft::opening() const {
    std::vector<action> out;
    out.emplace_back(act::read_request_header{});
    const bool says_continue = std::ranges::find(interim, 100) != interim.end();
    if (continue_expected || says_continue) out.emplace_back(act::send{interim_bytes(100)});
    out.emplace_back(act::read_request_body{});
    std::string others;
    for (const int code : interim) {
        if (code != 100) others += interim_bytes(code);
    }
    if (!others.empty()) out.emplace_back(act::send{std::move(others)});
    if (script.delay > nanoseconds(0)) out.emplace_back(act::wait{script.delay});
    return out;
}

wire_program compile(const reply& script, const request_facts& asked, std::string_view serial, std::chrono::seconds date, bool reused) {
    draft made = compose(script, asked, serial, date, reused);
    wire_program program;
    if (script.raw) {
        program = raw_program(script, made);
    } else {
        if (script.fault) {
            if (const auto shape = shape_of(script.fault->id)) shape(made, *script.fault);
        }
        made.render();
        program.actions = made.opening();
    }
    const auto play = script.fault ? play_of(script.fault->id) : nullptr;
    if (script.fault && play == nullptr && shape_of(script.fault->id) == nullptr) {
        throw std::invalid_argument("there is no fault " + script.fault->id);
    }
    if (play != nullptr) {
        play(made, *script.fault, program);
    } else {
        program.actions.emplace_back(act::send{made.whole()});
    }
    if (!made.keep && !ends(program.actions.back())) program.actions.emplace_back(act::close{});
    program.keep = !ends(program.actions.back());
    if (program.keep) program.idle_close = made.idle_close;
    return program;
}

std::string sent_bytes(const wire_program& program) {
    std::string out;
    for (const auto& each : program.actions) {
        if (const auto* sent = std::get_if<act::send>(&each)) out += sent->bytes;
        if (const auto* dripped = std::get_if<act::drip>(&each)) out += dripped->bytes;
    }
    return out;
}

bool matches(const route& where, const request_facts& asked) {
    if (where.method != "*" && where.method != asked.method) return false;
    std::string_view target = asked.target;
    if (const auto scheme = target.find("://"); scheme != target.npos && target.front() != '/') {
        const auto path = target.find('/', scheme + 3);
        target = path == target.npos ? std::string_view("/") : target.substr(path);
    }
    if (where.target.ends_with('*')) return target.starts_with(std::string_view(where.target).substr(0, where.target.size() - 1));
    return target == where.target;
}

bool usable(const reply& script, const request_facts& asked, bool reused, nanoseconds now) {
    if (script.until && now >= *script.until) return false;
    switch (script.when) {
        case condition::always:
            return true;
        case condition::fresh_connection:
            return !reused;
        case condition::reused_connection:
            return reused;
        case condition::conditional_request:
            return asked.conditional();
        case condition::unconditional_request:
            return !asked.conditional();
    }
    return false;
}

}  // namespace badorigin::peers
