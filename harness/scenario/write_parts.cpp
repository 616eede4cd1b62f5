#include <algorithm>

#include "harness/scenario/spelling.h"
#include "harness/scenario/writer.h"
#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

namespace {

using YAML::BeginMap;
using YAML::BeginSeq;
using YAML::EndMap;
using YAML::EndSeq;
using YAML::Flow;

/// Whether any first member comes twice: then a mapping cannot hold the pairs.
template <class Pairs>
bool repeats(const Pairs& pairs) {
    std::vector<std::string> names;
    for (const auto& pair : pairs) names.push_back(pair.first);
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) != names.end();
}

template <class Pairs, class Write>
void write_pairs(YAML::Emitter& out, const Pairs& pairs, Write write_value) {
    if (!repeats(pairs)) {
        out << Flow << BeginMap;
        for (const auto& pair : pairs) {
            write_key(out, pair.first);
            write_value(pair);
        }
        out << EndMap;
        return;
    }
    out << Flow << BeginSeq;
    for (const auto& pair : pairs) {
        out << Flow << BeginSeq;
        write_text(out, pair.first);
        write_value(pair);
        out << EndSeq;
    }
    out << EndSeq;
}

void write_names(YAML::Emitter& out, std::string_view key, const std::vector<std::string>& names) {
    if (names.empty()) return;
    write_key(out, key);
    out << Flow << BeginSeq;
    for (const auto& name : names) write_word(out, name);
    out << EndSeq;
}

void write_fault(YAML::Emitter& out, const peers::fault& fault) {
    if (!fault.after && !fault.lasts && !fault.every && !fault.size && !fault.text) {
        write_word(out, "fault", fault.id);
        return;
    }
    write_key(out, "fault");
    out << Flow << BeginMap;
    write_key(out, fault.id);
    out << Flow << BeginMap;
    if (fault.after) write_number(out, "after", static_cast<std::int64_t>(*fault.after));
    if (fault.lasts) write_duration(out, "for", *fault.lasts);
    if (fault.every) write_duration(out, "every", *fault.every);
    if (fault.size) write_number(out, "size", static_cast<std::int64_t>(*fault.size));
    if (fault.text) write_text(out, "text", *fault.text);
    out << EndMap << EndMap;
}

void write_body(YAML::Emitter& out, const peers::content& body) {
    if (body.kind != peers::content::kind::none) {
        write_key(out, "body");
        write_content(out, body);
    }
    if (body.chunked) write_yes_no(out, "chunked", true);
}

void write_reply(YAML::Emitter& out, const peers::reply& reply) {
    out << Flow << BeginMap;
    if (reply.when != peers::condition::always) write_word(out, "when", word_of(condition_words, reply.when));
    if (reply.raw) {
        write_text(out, "raw", *reply.raw);
        if (reply.keep_open) write_yes_no(out, "keep_open", true);
    } else {
        write_number(out, "status", reply.status);
        if (!reply.reason.empty()) write_text(out, "reason", reply.reason);
        if (reply.version != "1.1") write_text(out, "version", reply.version);
        if (!reply.fields.empty()) {
            write_key(out, "fields");
            write_fields(out, reply.fields);
        }
        write_body(out, reply.body);
        if (!reply.interim.empty()) {
            write_key(out, "interim");
            out << Flow << reply.interim;
        }
        if (reply.close) write_yes_no(out, "close", true);
        if (reply.validates) write_yes_no(out, "validates", true);
    }
    if (reply.fault) write_fault(out, *reply.fault);
    if (reply.delay.count() != 0) write_duration(out, "delay", reply.delay);
    if (reply.until) write_duration(out, "until", *reply.until);
    if (reply.repeat < 0) {
        write_word(out, "repeat", "forever");
    } else if (reply.repeat != 1) {
        write_number(out, "repeat", reply.repeat);
    }
    out << EndMap;
}

void write_sending(YAML::Emitter& out, const peers::sending& sending) {
    if (sending == peers::sending{}) return;
    write_key(out, "send");
    out << Flow << BeginMap;
    if (sending.stop_after) write_number(out, "stop_after", static_cast<std::int64_t>(*sending.stop_after));
    if (sending.then != peers::sending::ending::wait) write_word(out, "then", word_of(ending_words, sending.then));
    if (sending.piece) write_number(out, "piece", static_cast<std::int64_t>(*sending.piece));
    if (sending.every.count() != 0) write_duration(out, "every", sending.every);
    if (sending.header_takes.count() != 0) write_duration(out, "header_takes", sending.header_takes);
    out << EndMap;
}

void write_status(YAML::Emitter& out, const expectation& what) {
    if (what.status) write_number(out, "status", *what.status);
    if (what.status_in.empty()) return;
    write_key(out, "status");
    out << Flow << what.status_in;
}

void write_expected_fields(YAML::Emitter& out, std::string_view key, const std::vector<std::pair<std::string, std::string>>& present,
                           const std::vector<std::string>& absent) {
    if (present.empty() && absent.empty()) return;
    std::vector<std::pair<std::string, const std::string*>> all;
    for (const auto& [name, pattern] : present) all.emplace_back(name, &pattern);
    for (const auto& name : absent) all.emplace_back(name, nullptr);
    write_key(out, key);
    write_pairs(out, all, [&](const auto& pair) { pair.second == nullptr ? write_word(out, "absent") : write_text(out, *pair.second); });
}

}  // namespace

void write_fields(YAML::Emitter& out, const peers::field_lines& fields) {
    write_pairs(out, fields, [&](const auto& line) { write_text(out, line.second); });
}

void write_content(YAML::Emitter& out, const peers::content& body) {
    if (body.kind == peers::content::kind::literal) {
        write_text(out, body.literal);
        return;
    }
    out << Flow << BeginMap;
    write_number(out, "size", static_cast<std::int64_t>(body.size));
    write_number(out, "seed", static_cast<std::int64_t>(body.seed));
    out << EndMap;
}

void write_origin(YAML::Emitter& out, const peers::origin_script& script) {
    write_key(out, script.name);
    out << BeginMap;
    if (script.start != peers::listening::accept) write_word(out, "listen", word_of(listening_words, script.start));
    for (const auto& route : script.routes) {
        write_key(out, route.method + " " + route.target);
        out << BeginSeq;
        for (const auto& reply : route.replies) write_reply(out, reply);
        out << EndSeq;
    }
    out << EndMap;
}

void write_expectation(YAML::Emitter& out, std::string_view key, const expectation& what) {
    if (what.empty()) return;
    write_key(out, key);
    out << Flow << BeginMap;
    write_status(out, what);
    if (what.body) write_text(out, "body", *what.body);
    if (what.body_of) {
        write_key(out, "body");
        write_content(out, *what.body_of);
    }
    if (what.age) write_duration(out, "age", *what.age);
    if (what.age_present) write_word(out, "age", *what.age_present ? "present" : "absent");
    if (what.stale) write_yes_no(out, "stale", *what.stale);
    if (what.fetches) write_number(out, "fetches", *what.fetches);
    if (what.attempts) write_number(out, "attempts", *what.attempts);
    if (what.own_fetch) write_yes_no(out, "own_fetch", *what.own_fetch);
    write_names(out, "fetched_from", what.fetched_from);
    if (what.same_copy_as) write_word(out, "same_copy_as", *what.same_copy_as);
    write_expected_fields(out, "fields", what.fields, what.fields_absent);
    write_expected_fields(out, "fields_at_origin", what.fields_at_origin, what.fields_absent_at_origin);
    write_expected_fields(out, "trailers", what.trailers, what.trailers_absent);
    write_expected_fields(out, "trailers_at_origin", what.trailers_at_origin, what.trailers_absent_at_origin);
    if (what.interim) {
        write_key(out, "interim");
        out << Flow << *what.interim;
    }
    if (what.complete) write_yes_no(out, "complete", *what.complete);
    if (what.answered) write_yes_no(out, "answered", *what.answered);
    if (what.closed) write_yes_no(out, "closed", *what.closed);
    if (what.body_at_origin) write_word(out, "body_at_origin", *what.body_at_origin);
    if (what.reused_at_origin) write_yes_no(out, "reused_at_origin", *what.reused_at_origin);
    if (what.reused) write_yes_no(out, "reused", *what.reused);
    write_names(out, "overlaps", what.overlaps);
    if (what.within) write_duration(out, "within", *what.within);
    if (what.at_least) write_duration(out, "at_least", *what.at_least);
    out << EndMap;
}

void write_client(YAML::Emitter& out, const client_act& what) {
    const auto& request = what.request;
    write_word(out, "client", request.method + " " + request.target);
    if (request.raw) {
        write_text(out, "raw", *request.raw);
    } else {
        if (request.version != "1.1") write_text(out, "version", request.version);
        if (!request.fields.empty()) {
            write_key(out, "fields");
            write_fields(out, request.fields);
        }
        write_body(out, request.body);
        write_sending(out, request.sending);
    }
    if (!what.proxy.empty()) write_word(out, "ask", what.proxy);
    if (!request.proxy_header.empty()) write_text(out, "proxy_header", request.proxy_header);
    if (!request.connection.empty()) write_word(out, "connection", request.connection);
    if (request.deadline != peers::request{}.deadline) write_duration(out, "deadline", request.deadline);
    if (!what.wait) write_yes_no(out, "wait", false);
    if (what.repeat != 1) write_number(out, "repeat", what.repeat);
    write_expectation(out, "expect", what.expect);
    write_expectation(out, "premise", what.premise);
}

}  // namespace badorigin::scenario
