// What is told of a capture made elsewhere beside its verdict: how it was read, R0 outright, advice.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/escaped.h"
#include "reports/report.h"

namespace badorigin::report {

namespace {

using capture::evidence;

constexpr std::size_t journeys_shown = 20;

double in_seconds(std::chrono::nanoseconds t) {
    return std::chrono::duration<double>(t).count();
}

std::string answer_of(const capture::exchange& e, const evidence& in) {
    if (!e.response) return "not answered";
    return fmt::format("answered {} ({})", e.response->message.status, frames_text(e.response->first.number, e.response->last.number, &in));
}

std::string file_text(const capture::foreign_file& f) {
    std::string text = fmt::format("  file: {}, {} frames", f.name, f.frames);
    if (!f.offset_basis.empty())
        text +=
            fmt::format(", its clock set {:+.6f} s (± {:.6f} s, by {})", in_seconds(f.offset), in_seconds(f.uncertainty), f.offset_basis);
    if (!f.damage.empty()) text += ", damaged: " + f.damage;
    return text + "\n";
}

std::string carried(const judge::body_attempt& a, const capture::exchange& client) {
    const auto size = a.at->request->message.content_size, sent = client.request->message.content_size;
    if (a.whole || size != sent) return fmt::format("{} of {} bytes of content", size, sent);
    return fmt::format("{} bytes of content, not those that the client sent", size);
}

std::string attempt_text(const judge::body_attempt& a, std::size_t n, const capture::exchange& client, const evidence& in) {
    const auto& e = *a.at;
    std::string text =
        fmt::format("      attempt {}: {}, connection {}, {}: {}; ", n, frames_text(e.request->first.number, e.request->last.number, &in),
                    e.on->id, connection_state(e), carried(a, client));
    text += a.died ? fmt::format("ended unanswered by the {} in {}", a.origin_ended_it ? "origin" : "proxy", in.frame_text(a.ended.number))
                   : answer_of(e, in);
    if (a.joined != capture::confidence::certain) text += fmt::format("; {} this client's, by {}", capture::name(a.joined), a.by);
    return text + "\n";
}

std::string journey_text(const judge::body_journey& j, const evidence& in) {
    const auto& client = *j.client;
    const auto& m = client.request->message;
    std::string text =
        fmt::format("    {} {}, {} bytes of content: {}, connection {}, {}\n", escaped(m.method), escaped(m.target), m.content_size,
                    frames_text(client.request->first.number, client.request->last.number, &in), client.on->id, answer_of(client, in));
    std::size_t n = 0;
    for (const auto& a : j.attempts) text += attempt_text(a, ++n, client, in);
    return text;
}

std::string bodies_text(const captured& what) {
    const auto& all = what.bodies;
    if (all.requests == 0 && all.ambiguous == 0) return {};
    std::string text = fmt::format("  requests with content: {}, of which {} did not arrive whole or were not answered by an origin\n",
                                   all.requests, all.troubled.size());
    for (std::size_t i = 0; i < std::min(journeys_shown, all.troubled.size()); ++i)
        text += journey_text(all.troubled[i], what.read.evidence);
    if (all.troubled.size() > journeys_shown)
        text += fmt::format("    … and {} more (all are in --json)\n", all.troubled.size() - journeys_shown);
    if (all.ambiguous > 0)
        text += fmt::format("  {} requests to origins with content fit several clients' equally well: nothing is said of them\n",
                            all.ambiguous);
    return text;
}

nlohmann::ordered_json attempt_json(const judge::body_attempt& a, const evidence& in) {
    const auto& e = *a.at;
    nlohmann::ordered_json one;
    one["frames"] = frames_text(e.request->first.number, e.request->last.number, &in);
    one["connection"] = e.on->id;
    one["origin"] = e.on->server.text();
    one["exchange_on_connection"] = e.index + 1;
    if (e.index > 0) one["idle_seconds"] = in_seconds(e.idle_before);
    one["content_bytes"] = e.request->message.content_size;
    one["whole"] = a.whole;
    if (e.answered()) one["status"] = e.response->message.status;
    if (a.died) one["ended"] = {{"by", a.origin_ended_it ? "origin" : "proxy"}, {"frame", in.frame_text(a.ended.number)}};
    one["joined"] = {{"how", capture::name(a.joined)}, {"by", a.by}};
    return one;
}

nlohmann::ordered_json journey_json(const judge::body_journey& j, const evidence& in) {
    const auto& m = j.client->request->message;
    nlohmann::ordered_json one{{"method", m.method},
                               {"target", m.target},
                               {"frames", frames_text(j.client->request->first.number, j.client->request->last.number, &in)},
                               {"connection", j.client->on->id},
                               {"content_bytes", m.content_size},
                               {"whole", m.complete}};
    if (j.client->answered()) one["status"] = j.client->response->message.status;
    one["attempts"] = nlohmann::ordered_json::array();
    for (const auto& a : j.attempts) one["attempts"].push_back(attempt_json(a, in));
    return one;
}

}  // namespace

std::string captured_text(const captured& what) {
    std::string text;
    for (const auto& f : what.read.files) text += file_text(f);
    for (const auto& note : what.read.notes) text += "  note: " + note + "\n";
    return text + bodies_text(what);
}

std::string advice_text(const judge::verdict& verdict) {
    std::string text;
    for (const auto& f : verdict.findings) {
        if (f.kind != judge::kind::advice || f.outcome != judge::outcome::violated) continue;
        text += fmt::format("  advice {}: {}\n", f.claim, f.message);
        for (const auto& c : f.citations) text += fmt::format("    - {}\n", citation_text(c));
    }
    return text;
}

nlohmann::ordered_json captured_json(const captured& what) {
    using json = nlohmann::ordered_json;
    json files = json::array(), troubled = json::array();
    for (const auto& f : what.read.files) {
        json one{{"name", f.name}, {"frames", f.frames}};
        if (!f.offset_basis.empty())
            one["clock"] = {
                {"offset_seconds", in_seconds(f.offset)}, {"uncertainty_seconds", in_seconds(f.uncertainty)}, {"by", f.offset_basis}};
        if (!f.damage.empty()) one["damage"] = f.damage;
        files.push_back(std::move(one));
    }
    for (const auto& j : what.bodies.troubled) troubled.push_back(journey_json(j, what.read.evidence));
    return {{"files", std::move(files)},          {"proxies", what.read.proxies},
            {"notes", what.read.notes},           {"requests_with_content", what.bodies.requests},
            {"ambiguous", what.bodies.ambiguous}, {"troubled", std::move(troubled)}};
}

}  // namespace badorigin::report
