#include "harness/traffic/requests.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/judge/facts.h"

namespace badorigin::traffic {

using http::anomaly;

namespace {

/// What makes no difference to a cache unless a response varies by it.
constexpr std::array<std::string_view, 14> noise{
    "User-Agent", "Accept", "Accept-Language", "Referer",        "Origin",         "DNT",           "Priority", "Upgrade-Insecure-Requests",
    "Date",       "Expect", "Sec-Fetch-Site",  "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User"};

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// Anomalies that no script says: their bytes are not kept.
std::optional<anomaly> unsayable(const http::message& m) {
    static constexpr std::array sayable{anomaly::duplicate_content_length, anomaly::conflicting_content_length,
                                        anomaly::content_length_with_transfer_encoding, anomaly::truncated_body};
    const auto found = std::ranges::find_if(m.anomalies, [](const auto& a) { return std::ranges::find(sayable, a.what) == sayable.end(); });
    return found == m.anomalies.end() ? std::nullopt : std::optional{found->what};
}

peers::field_lines fields_of(const http::message& m, const std::set<std::string>& varied, telling& about) {
    const bool odd_length = m.has(anomaly::duplicate_content_length) || m.has(anomaly::conflicting_content_length) ||
                            m.has(anomaly::content_length_with_transfer_encoding);
    peers::field_lines out;
    if (auto options = connection_options(m.fields); !options.empty()) out.emplace_back("Connection", std::move(options));
    for (const auto& f : m.fields) {
        const bool of_length = http::same_name(f.name, "Content-Length") || http::same_name(f.name, "Transfer-Encoding");
        const bool meaningless = std::ranges::any_of(noise, [&](auto name) { return http::same_name(name, f.name); });
        if (of_length ? !odd_length : is_of_the_hop(f.name)) continue;
        if (meaningless && !varied.contains(lower(f.name))) continue;
        if (http::same_name(f.name, "Host") && f.value == "badorigin.test") continue;  // what scripted clients say by themselves
        out.emplace_back(f.name, about.hidden.field(f.name, f.value));
    }
    return out;
}

void tell_sending(const capture::exchange& e, const telling& about, peers::request& out) {
    const auto& m = e.request->message;
    const auto ours = judge::client_end(*e.on), theirs = judge::server_end(*e.on);
    const bool cut_off = theirs && (!ours || theirs.number < ours.number);  // it would have sent all
    if (!m.complete && !cut_off) {
        out.sending.stop_after = m.content_size;
        using ending = peers::sending::ending;
        const bool reset = ours && e.on->client_rst && e.on->client_rst.number == ours.number;
        out.sending.then = reset ? ending::reset : ours ? ending::close : ending::wait;
        return;
    }
    if (!m.complete && m.content_size > 0) {
        out.sending.piece = m.content_size;
        out.sending.every = std::chrono::milliseconds{100};
        return;
    }
    const auto took = about.clock.pause(e.request->header_end, e.request->last);
    const auto pieces = static_cast<std::int64_t>(
        std::ranges::count_if(e.request->frames, [&](auto number) { return number > e.request->header_end.number; }));
    if (took.count() == 0 || m.content_size == 0 || pieces < 2 || m.framing == http::framing::chunked) return;
    out.sending.piece = (m.content_size + static_cast<std::uint64_t>(pieces) - 1) / static_cast<std::uint64_t>(pieces);
    out.sending.every = took / (pieces - 1);
}

/// A client that gave up did so when it ended its connection.
void tell_patience(const capture::exchange& e, const telling& about, peers::request& out) {
    const auto ours = judge::client_end(*e.on), theirs = judge::server_end(*e.on);
    if (e.answered_whole() || !ours || (theirs && theirs.number < ours.number) || !e.request->message.complete) return;
    const auto waited = about.clock.at(ours) - about.clock.at(e.request->first);
    if (waited >= std::chrono::milliseconds{100} && waited < out.deadline) out.deadline = waited;
}

}  // namespace

std::expected<peers::request, std::string> request_of(const capture::exchange& e, const std::set<std::string>& varied, telling& about) {
    if (!e.request) return std::unexpected("the capture has no request for its response");
    const auto& m = e.request->message;
    if (const auto why = why_in_part(e); !why.empty()) return std::unexpected(std::string{why});
    if (!m.header_complete) return std::unexpected("its header is not whole");
    if (const auto what = unsayable(m))
        return std::unexpected(fmt::format("{} ({}) can only be said by raw bytes, which are not kept", name(*what), section(*what)));
    if (m.method == "CONNECT" || m.framing == http::framing::tunnel) return std::unexpected("it asks for a tunnel");
    const auto target = judge::target_of(m);
    if (!target.starts_with('/') && target != "*") return std::unexpected("its target is none that a script can ask for");
    peers::request out;
    out.method = m.method;
    out.target = about.hidden.target(target);
    if (m.version == http::version{1, 0}) out.version = "1.0";
    out.fields = fields_of(m, varied, about);
    out.body = about.content.of(m, m.complete ? std::nullopt : m.declared_length);
    out.body.chunked = m.framing == http::framing::chunked;
    out.proxy_header = e.on->proxy_header;
    if (e.on->exchanges > 1) out.connection = fmt::format("connection-{}", e.on->id);
    tell_sending(e, about, out);
    tell_patience(e, about, out);
    return out;
}

}  // namespace badorigin::traffic
