#include "capture/completeness.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace badorigin::capture {
namespace {

using sentences = std::vector<std::string>;
constexpr std::size_t most_named = 20;  // of one kind; the rest is counted

std::string title(const connection& c) {
    return fmt::format("connection {} ({} to {})", c.id, c.client.text(), c.server.text());
}

void check_markers(const evidence& all, sentences& why) {
    if (all.markers.empty()) {
        why.push_back("The capture holds no marker of the run.");
        return;
    }
    std::vector<std::uint32_t> numbers;
    const marker* stop = nullptr;
    for (const marker& m : all.markers) {
        numbers.push_back(m.number);
        if (m.kind == marker::kind::stop) stop = &m;
    }
    if (all.markers.front().kind != marker::kind::start) why.push_back("The marker of the run's start is not the first in the capture.");
    if (!stop) why.push_back("The marker of the run's end is not in the capture.");
    std::ranges::sort(numbers);
    std::uint32_t expected = 0;
    for (const std::uint32_t n : numbers) {
        if (n != expected) {
            why.push_back(n > expected ? fmt::format("Marker {} is missing from the capture.", expected)
                                       : fmt::format("Marker {} is in the capture twice.", n));
            break;
        }
        ++expected;
    }
    if (stop && stop->total != numbers.size())
        why.push_back(fmt::format("The run sent {} markers, the capture holds {}.", stop->total, numbers.size()));
}

/// Not asked of others' captures: what sits between two ends may reset a connection as it likes.
void check_resets(const evidence& all, sentences& why) {
    for (const auto& c : all.connections)
        if (c->unexplained_reset)
            why.push_back(fmt::format("A packet that came to a closed socket of {} is missing: {} answers it.", title(*c),
                                      all.frame_text(c->unexplained_reset.number)));
}

/// What one socket of ours received against what was seen on its way to it.
void compare(const received& r, const connection& c, sentences& why) {
    const bool we_are_server = c.server == r.local;
    const std::uint64_t seen = we_are_server ? c.request_bytes : c.response_bytes;
    const bool fin = static_cast<bool>(we_are_server ? c.client_fin : c.server_fin);
    const bool rst = static_cast<bool>(we_are_server ? c.client_rst : c.server_rst);
    if (seen < r.bytes)
        why.push_back(fmt::format("Our socket {} received {} bytes from {} on {}, the capture holds {}.", r.local.text(), r.bytes,
                                  r.remote.text(), title(c), seen));
    if (r.fin && !fin) why.push_back(fmt::format("Our socket {} received a FIN on {} which the capture lacks.", r.local.text(), title(c)));
    if (r.rst && !rst) why.push_back(fmt::format("Our socket {} received a RST on {} which the capture lacks.", r.local.text(), title(c)));
}

void check_received(const evidence& all, sentences& why) {
    using ends = std::pair<endpoint, endpoint>;  // client, server
    std::map<ends, std::vector<const connection*>> seen;
    for (const auto& c : all.connections)
        if (c->established) seen[{c->client, c->server}].push_back(c.get());
    std::map<ends, std::size_t> used;  // by (local, remote): a port pair may serve several connections, in order
    sentences found;
    for (const received& r : all.received) {
        auto match = seen.find({r.local, r.remote});
        if (match == seen.end()) match = seen.find({r.remote, r.local});
        const std::size_t occurrence = used[{r.local, r.remote}]++;
        if (match == seen.end() || occurrence >= match->second.size())
            found.push_back(
                fmt::format("Our socket {} had a connection with {} which the capture lacks.", r.local.text(), r.remote.text()));
        else
            compare(r, *match->second[occurrence], found);
    }
    const std::size_t more = found.size() > most_named ? found.size() - most_named : 0;
    found.resize(found.size() - more);
    for (std::string& s : found) why.push_back(std::move(s));
    if (more > 0) why.push_back(fmt::format("{} more differences between our sockets and the capture.", more));
}

}  // namespace

void holes_told::add(const evidence& part) {
    for (const auto& c : part.connections) {
        if (c->holes.empty() || ++count_ > most_named) continue;
        const hole& h = c->holes.front();
        named_.push_back(fmt::format("Bytes {} to {} of the {} direction of {} are missing, noticed at {}{}.", h.from, h.to,
                                     h.side == http::direction::request ? "request" : "response", title(*c),
                                     part.frame_text(h.noticed_at.number),
                                     c->holes.size() > 1 ? fmt::format(" (and {} more holes)", c->holes.size() - 1) : std::string()));
    }
}

std::vector<std::string> holes_told::sentences() const {
    std::vector<std::string> why = named_;
    if (count_ > most_named) why.push_back(fmt::format("{} more connections have holes.", count_ - most_named));
    return why;
}

std::vector<std::string> why_incomplete(const evidence& all) {
    sentences why;
    if (all.manifest.kernel_drops > 0)
        why.push_back(fmt::format("The kernel dropped {} packets of the capture.", all.manifest.kernel_drops));
    if (all.manifest.evidence != evidence_kind::file) {
        check_markers(all, why);
        check_resets(all, why);
    }
    holes_told holes;
    holes.add(all);
    for (std::string& hole : holes.sentences()) why.push_back(std::move(hole));
    check_received(all, why);
    return why;
}

}  // namespace badorigin::capture
