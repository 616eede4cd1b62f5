#include <algorithm>

#include <fmt/format.h>

#include "reports/escaped.h"
#include "reports/report.h"

namespace badorigin::report {

std::string frames_text(capture::frame_number first, capture::frame_number last, const capture::evidence* files) {
    if (!files || files->sources.empty()) return first == last ? fmt::format("frame {}", first) : fmt::format("frames {}-{}", first, last);
    auto text = files->frame_text(first), end = files->frame_text(last);
    if (first == last) return text;
    const auto word = text.rfind("frame ");
    if (text.substr(0, word) != end.substr(0, word)) return text + " to " + end;
    return fmt::format("{}frames {}-{}", text.substr(0, word), text.substr(word + 6), end.substr(word + 6));
}

std::string connection_state(const capture::exchange& e) {
    if (e.index == 0) return "fresh";
    return fmt::format("reused ({}), idle for {:.3f} s", judge::ordinal(e.index + 1), std::chrono::duration<double>(e.idle_before).count());
}

namespace {

constexpr std::size_t body_shown = 160, line_shown = 400;

std::string line_text(const std::string& line) {
    const auto shown = std::string_view(line).substr(0, line_shown);
    const auto rest = line.size() - shown.size();
    return escaped(shown) + (rest > 0 ? fmt::format("… [{} more bytes]", rest) : "");
}

void show_message(std::string& out, const capture::seen_message& seen, const char* arrow, const capture::evidence* files) {
    const auto& m = seen.message;
    out += fmt::format("    {} {}, bytes {}-{}{}{}\n", arrow, frames_text(seen.first.number, seen.last.number, files), m.begin, m.end,
                       m.complete ? "" : ", incomplete", m.gap ? ", bytes missing in the capture" : "");
    const std::string start = m.framing == http::framing::headerless ? std::string("(no status line)")
                              : m.side == http::direction::request
                                  ? fmt::format("{} {} HTTP/{}.{}", m.method, m.target, m.version.major, m.version.minor)
                                  : fmt::format("HTTP/{}.{} {} {}", m.version.major, m.version.minor, m.status, m.reason);
    out += fmt::format("      {}\n", line_text(start));
    for (const auto& f : m.fields) out += fmt::format("      {}\n", line_text(fmt::format("{}: {}", f.name, f.value)));
    if (m.content_size > 0) {
        const auto shown = std::string_view(m.content_start).substr(0, body_shown);
        out += fmt::format("      [{} content bytes] {}{}\n", m.content_size, escaped(shown), m.content_size > shown.size() ? "…" : "");
    } else if (m.declared_length.value_or(0) > 0 && m.side == http::direction::request) {
        out += fmt::format("      [no content byte follows; Content-Length says {}]\n", *m.declared_length);
    }
    for (const auto& a : m.anomalies)
        out += fmt::format("      ! {} at byte {} ({})\n", http::name(a.what), a.offset, http::section(a.what));
}

}  // namespace

std::string on_the_wire(const capture::exchange& what, const capture::evidence* files) {
    std::string out;
    const auto& on = *what.on;
    out +=
        fmt::format("  exchange {} on the {} leg, connection {} ({} -> {}{}), {}\n", what.id,
                    on.leg == capture::leg::client   ? "client"
                    : on.leg == capture::leg::origin ? "origin"
                                                     : "unknown",
                    on.id, on.client.text(), on.server.text(), on.server_name.empty() ? "" : ", " + on.server_name, connection_state(what));
    if (what.request) show_message(out, *what.request, ">", files);
    for (const auto& m : what.interim) show_message(out, m, "<", files);
    if (what.response) {
        show_message(out, *what.response, "<", files);
    } else {
        out += "    < no response\n";
    }
    const auto ending = [&](const capture::frame_ref& at, const char* who, const char* how) {
        if (at && what.index + 1 == on.exchanges)
            out += fmt::format("    {}: {} by the {}\n", frames_text(at.number, at.number, files), how, who);
    };
    ending(on.client_fin, "asking side", "FIN");
    ending(on.server_fin, "answering side", "FIN");
    ending(on.client_rst, "asking side", "RST");
    ending(on.server_rst, "answering side", "RST");
    return out;
}

}  // namespace badorigin::report
