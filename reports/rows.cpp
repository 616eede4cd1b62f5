// A row a transaction. Every column stands in every row, null where there is nothing: engines infer the schema from any of them.
#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "harness/judge/facts.h"
#include "harness/judge/origin_requests.h"
#include "reports/log.h"

namespace badorigin::report {

namespace {

using json = nlohmann::ordered_json;
using std::chrono::nanoseconds;

std::string iso(nanoseconds since_1970) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                       (since_1970 - seconds).count());
}

json fields_of(const http::fields& fields) {
    json all = json::array();
    for (const auto& f : fields) all.push_back({{"name", f.name}, {"value", f.value}});
    return all;
}

json anomalies_of(const http::anomalies& anomalies) {
    json all = json::array();
    for (const auto& a : anomalies) all.push_back({{"name", http::name(a.what)}, {"offset", a.offset}, {"section", http::section(a.what)}});
    return all;
}

json message_of(const capture::evidence& evidence, const std::optional<capture::seen_message>& seen) {
    if (!seen) return nullptr;
    const auto& m = seen->message;
    const bool request = m.side == http::direction::request;
    const auto body = std::max(m.body_begin, m.begin);
    json row;
    if (request) {
        row["method"] = m.method;
        row["target"] = m.target;
    } else {
        row["status"] = m.status;
        row["reason"] = m.reason;
    }
    row["version"] = fmt::format("{}.{}", m.version.major, m.version.minor);
    row["fields"] = fields_of(m.fields);
    row["trailers"] = fields_of(m.trailers);
    row["framing"] = http::name(m.framing);
    row["declared_length"] = m.declared_length ? json(*m.declared_length) : json(nullptr);
    row["header_bytes"] = m.header_complete ? body - m.begin : m.end - m.begin;
    row["body_bytes"] = m.header_complete ? std::max(m.end, body) - body : 0;
    row["content_size"] = m.content_size;
    row["content_hash"] = m.content_size > 0 ? json(fmt::format("{:016x}", m.content_hash)) : json(nullptr);
    row["complete"] = m.complete;
    row["gap"] = m.gap;
    row["anomalies"] = anomalies_of(m.anomalies);
    row["first_ns"] = seen->first.time.count();
    row["header_ns"] = seen->header_end ? json(seen->header_end.time.count()) : json(nullptr);
    row["last_ns"] = seen->last.time.count();
    row["first_frame"] = evidence.frame_text(seen->first.number);
    row["frames"] = seen->frames;
    return row;
}

std::string_view closed_by(const capture::exchange& e) {
    if (e.answered_whole() || !e.on->closed()) return {};
    if (e.on->server_rst) return "server reset";
    if (e.on->client_rst) return "client reset";
    return judge::server_end(*e.on) ? "server close" : "client close";
}

json exchange_of(const capture::evidence& evidence, const capture::exchange& e) {
    json row;
    row["exchange"] = e.id;
    row["connection"] = e.on->id;
    row["client"] = e.on->client.text();
    row["server"] = e.on->server.text();
    row["server_name"] = e.on->server_name;
    row["reused"] = e.index > 0;
    row["idle_ns"] = e.index > 0 ? json(e.idle_before.count()) : json(nullptr);
    row["gap"] = e.gap;
    row["request"] = message_of(evidence, e.request);
    row["interim"] = json::array();
    for (const auto& m : e.interim) row["interim"].push_back(m.message.status);
    row["response"] = message_of(evidence, e.response);
    const auto cut = closed_by(e);
    row["cut_by"] = cut.empty() ? json(nullptr) : json(cut);
    return row;
}

json fetch_of(const capture::evidence& evidence, const capture::transaction& t, const judge::origin_request& r) {
    const auto& joined = t.fetches[r.fetch];
    json row;
    row["kind"] = judge::name(r.why);
    row["retry_of"] = r.why == judge::origin_request::kind::retry ? json(r.after) : json(nullptr);
    const auto& request = r.attempts.front()->request;
    row["conditional"] = request && judge::is_conditional(request->message);
    row["confidence"] = capture::name(joined.joined);
    row["joined_by"] = joined.by.empty() ? json(nullptr) : json(joined.by);
    row["attempts"] = json::array();
    for (const auto& a : r.attempts) row["attempts"].push_back(exchange_of(evidence, *a));
    return row;
}

}  // namespace

std::string row_json(const capture::evidence& evidence, const capture::transaction& t) {
    const auto asked = judge::origin_requests(t);
    const auto& first = t.client ? *t.client : *asked.front().attempts.front();
    const auto begin = judge::begin_of(first).time, end = judge::end_of(first).time;
    json row;
    row["schema"] = log_schema;
    row["id"] = first.id;
    row["time"] = iso(begin);
    row["time_ns"] = begin.count();
    row["duration_ns"] = (end - begin).count();
    row["client"] = t.client ? exchange_of(evidence, *t.client) : json(nullptr);
    row["fetches"] = json::array();
    for (const auto& r : asked) row["fetches"].push_back(fetch_of(evidence, t, r));
    row["delivered_from"] = t.delivered_from ? json(t.delivered_from->id) : json(nullptr);
    row["candidates"] = json::array();
    for (const auto& c : t.candidates) row["candidates"].push_back(c->id);
    return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace badorigin::report
