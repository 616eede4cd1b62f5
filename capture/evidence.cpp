#include "capture/evidence.h"

#include <algorithm>

#include <unistd.h>

#include "capture/capture_reader.h"
#include "capture/completeness.h"
#include "capture/evidence_writer.h"
#include "capture/joiner.h"
#include "capture/streams.h"

namespace badorigin::capture {
namespace {

/// Markers of one run: where the manifest does not know it, the first one decides whose nonce it is.
void take_marker(const udp_datagram& datagram, evidence& all) {
    if (datagram.to.port != marker_port) return;
    auto m = marker::parse(datagram.payload);
    if (!m) return;
    const std::string& ours = all.manifest.run.empty() && !all.markers.empty() ? all.markers.front().nonce : all.manifest.run;
    if (!ours.empty() && m->nonce != ours) return;
    m->frame = datagram.frame;
    all.markers.push_back(std::move(*m));
}

/// Reads the packets; what they say goes into `all`, except what compares them with other things.
std::expected<void, std::string> read_packets(const std::string& file, evidence& all) {
    auto reader = capture_reader::open(file);
    if (!reader) return std::unexpected(reader.error());
    std::vector<std::shared_ptr<exchange>> exchanges;
    stream_table streams(
        all.manifest.roles, [&](std::shared_ptr<connection> c) { all.connections.push_back(std::move(c)); },
        [&](std::shared_ptr<exchange> e) { exchanges.push_back(std::move(e)); });
    frame_number damaged = 0;
    frame_ref first_damaged;
    while (const auto packet = reader->next()) {
        tcp_segment tcp;
        udp_datagram udp;
        switch (decode(*packet, tcp, udp)) {
            case decoded::tcp:
                streams.feed(tcp);
                break;
            case decoded::udp:
                take_marker(udp, all);
                break;
            case decoded::other:
                break;
            case decoded::damaged:
                if (damaged++ == 0) first_damaged = packet->frame;
        }
        all.frames = packet->frame.number;
    }
    streams.finish();
    if (!reader->damage().empty()) all.incomplete.push_back("The capture is damaged: " + reader->damage() + ".");
    if (damaged > 0)
        all.incomplete.push_back(std::to_string(damaged) + " frames cannot be decoded, the first is frame " +
                                 std::to_string(first_damaged.number) + ".");

    std::ranges::sort(all.connections, {}, [](const auto& c) { return c->id; });
    const auto first_frame = [](const std::shared_ptr<exchange>& e) {
        const auto& first = e->request ? e->request->first : e->response ? e->response->first : e->on->opened;
        return std::pair(first.number, e->id);
    };
    std::ranges::sort(exchanges, {}, first_frame);
    std::uint64_t id = 0;
    for (auto& e : exchanges) {
        e->id = ++id;
        all.exchanges.push_back(std::move(e));
    }
    return {};
}

void conclude(evidence& all) {
    all.transactions = join(all.exchanges);
    for (std::string& why : why_incomplete(all)) all.incomplete.push_back(std::move(why));
}

bool exists(const std::string& folder, const char* name) {
    return ::access((folder + '/' + name).c_str(), F_OK) == 0;
}

}  // namespace

nanoseconds evidence::clock_at(const frame_ref& frame) const {
    const auto sets_the_clock = [](const marker& m) { return m.kind == marker::kind::start || m.kind == marker::kind::clock; };
    const auto start = std::ranges::find(markers, marker::kind::start, &marker::kind);
    if (manifest.virtual_time) {
        auto after = std::ranges::upper_bound(markers, frame.number, {}, [](const marker& m) { return m.frame.number; });
        while (after != markers.begin()) {
            --after;
            if (sets_the_clock(*after)) return after->clock;
        }
        return nanoseconds{0};
    }
    if (start != markers.end()) return frame.time - start->frame.time;
    return connections.empty() ? nanoseconds{0} : frame.time - connections.front()->opened.time;
}

std::expected<evidence, std::string> read_capture(const std::string& file, const manifest& about) {
    evidence all;
    all.manifest = about;
    if (auto read = read_packets(file, all); !read) return std::unexpected(read.error());
    conclude(all);
    return all;
}

std::expected<evidence, std::string> read_bundle(const std::string& folder) {
    evidence all;
    auto about = read_manifest(folder);
    if (!about) return std::unexpected(about.error());
    all.manifest = std::move(*about);
    // A run that was cut short may lack these; a run that was not has them.
    if (exists(folder, vitals_file)) {
        auto vitals = read_vitals(folder);
        if (!vitals) return std::unexpected(vitals.error());
        all.vitals = std::move(*vitals);
    }
    if (exists(folder, received_file)) {
        auto received = read_received(folder);
        if (!received) return std::unexpected(received.error());
        all.received = std::move(*received);
    } else if (all.manifest.evidence != evidence_kind::file) {
        all.incomplete.push_back(std::string("The bundle has no ") + received_file + ", which the capture is compared with.");
    }
    if (auto read = read_packets(folder + '/' + packets_file, all); !read) return std::unexpected(read.error());
    conclude(all);
    return all;
}

}  // namespace badorigin::capture
