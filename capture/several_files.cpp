#include "capture/several_files.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace badorigin::capture {
namespace {

constexpr nanoseconds at_the_edges = std::chrono::milliseconds(1);

/// A file on its way into the merged order.
struct lane {
    source_file* file = nullptr;
    capture_reader reader;
    std::optional<raw_packet> next;

    void advance() {
        next = reader.next();
        if (next) next->frame.time += file->offset;
    }
    bool left_out(const tcp_segment& s) const {
        if (file->elsewhere.empty()) return false;
        const auto at = file->elsewhere.find(pair_of_ends(s.from, s.to));
        return at != file->elsewhere.end() &&
               std::ranges::any_of(at->second, [&](const auto& span) { return s.frame.time >= span.from && s.frame.time <= span.to; });
    }
};

}  // namespace

std::expected<void, std::string> sight(source_file& file, const go_on& progress) {
    evidence alone;
    intake packets(alone);
    auto damage = packets.take_file(file.path, progress);
    if (!damage) return std::unexpected(damage.error());
    packets.finish();
    file.frames = alone.frames;
    file.damage = std::move(*damage);
    file.seen.connections = std::move(alone.connections);
    file.seen.exchanges = std::move(alone.exchanges);
    return {};
}

void place_clocks(std::vector<source_file>& files, const roles& who) {
    files.front().placed = true;
    for (bool went_on = true; went_on;) {
        went_on = false;
        for (source_file& f : files) {
            for (const source_file& known : files) {
                if (f.placed || !known.placed || &f == &known) continue;
                const auto found = estimate_offset(known.seen, known.offset, f.seen, who);
                if (!found) continue;
                f.offset = found->offset;
                f.uncertainty = found->uncertainty + known.uncertainty;
                f.offset_basis = fmt::format("{}, compared with {}", found->basis, *known.name);
                f.placed = went_on = true;
            }
        }
    }
}

void share_out(std::vector<source_file>& files) {
    struct view {
        source_file* in;
        const connection* what;
    };
    std::unordered_map<pair_of_ends, std::vector<view>, hash_of_ends> seen;
    for (source_file& f : files)
        for (const auto& c : f.seen.connections) seen[pair_of_ends(c->client, c->server)].push_back({&f, c.get()});
    const auto completeness = [](const connection& c) {
        return std::tuple(c.complete_start, c.holes.empty(), c.request_bytes + c.response_bytes, c.closed());
    };
    for (const auto& [ends, views] : seen) {
        for (std::size_t a = 0; a < views.size(); ++a) {
            for (std::size_t b = a + 1; b < views.size(); ++b) {
                if (views[a].in == views[b].in || !same_connection(*views[a].what, *views[b].what)) continue;
                const bool first_is_better = completeness(*views[a].what) >= completeness(*views[b].what);
                const view &better = first_is_better ? views[a] : views[b], &worse = first_is_better ? views[b] : views[a];
                const nanoseconds edge = at_the_edges + better.in->uncertainty + worse.in->uncertainty;
                worse.in->elsewhere[ends].push_back(
                    {better.what->opened.time + better.in->offset - edge, better.what->last.time + better.in->offset + edge});
                ++worse.in->shared_connections;
            }
        }
    }
}

std::expected<void, std::string> merge(std::vector<source_file>& files, evidence& all, intake& packets, const go_on& progress) {
    std::vector<lane> lanes;
    for (source_file& f : files) {
        auto reader = capture_reader::open(f.path);
        if (!reader) return std::unexpected(reader.error());
        lanes.push_back({&f, std::move(*reader), {}});
        lanes.back().advance();
    }
    const lane* last = nullptr;
    for (;;) {
        lane* earliest = nullptr;
        for (lane& l : lanes)
            if (l.next && (!earliest || l.next->frame.time < earliest->next->frame.time)) earliest = &l;
        if (!earliest) return {};
        raw_packet packet = *earliest->next;
        const frame_number in_file = packet.frame.number;
        packet.frame.number = ++all.frames;
        if (earliest->file->first == 0) earliest->file->first = packet.frame.number;
        if (earliest != last) all.sources.push_back({packet.frame.number, in_file, earliest->file->name});
        last = earliest;
        tcp_segment tcp;
        udp_datagram udp;
        switch (decode(packet, tcp, udp)) {
            case decoded::tcp:
                if (!earliest->left_out(tcp)) packets.take(tcp);
                break;
            case decoded::udp:
                packets.take(udp);
                break;
            case decoded::other:
                break;
            case decoded::damaged:
                packets.damaged(packet.frame);
        }
        earliest->advance();
        if (all.frames % between_calls == 0 && progress) {
            std::uint64_t done = 0;
            for (const lane& l : lanes) done += l.reader.bytes_read();
            if (!progress(done)) return std::unexpected(stopped());
        }
    }
}

}  // namespace badorigin::capture
