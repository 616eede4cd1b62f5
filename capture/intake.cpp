#include "capture/intake.h"

#include <algorithm>

#include "capture/capture_reader.h"

namespace badorigin::capture {

intake::intake(evidence& all)
    : all_(all),
      streams_(
          all.manifest.roles, [this](std::shared_ptr<connection> c) { connections_.push_back(std::move(c)); },
          [this](std::shared_ptr<exchange> e) { exchanges_.push_back(std::move(e)); }) {}

void intake::take(const raw_packet& packet) {
    tcp_segment tcp;
    udp_datagram udp;
    switch (decode(packet, tcp, udp)) {
        case decoded::tcp:
            take(tcp);
            break;
        case decoded::udp:
            take(udp);
            break;
        case decoded::other:
            break;
        case decoded::damaged:
            damaged(packet.frame);
    }
    all_.frames = packet.frame.number;
}

/// Markers of one run: where the manifest does not know it, the first one decides whose nonce it is.
void intake::take(const udp_datagram& datagram) {
    if (datagram.to.port != marker_port) return;
    auto m = marker::parse(datagram.payload);
    if (!m) return;
    const std::string& ours = all_.manifest.run.empty() && !all_.markers.empty() ? all_.markers.front().nonce : all_.manifest.run;
    if (!ours.empty() && m->nonce != ours) return;
    m->frame = datagram.frame;
    all_.markers.push_back(std::move(*m));
}

void intake::damaged(const frame_ref& frame) {
    if (damaged_++ == 0) first_damaged_ = frame;
}

std::expected<std::string, std::string> intake::take_file(const std::string& path, const go_on& progress,
                                                          const std::function<void(const frame_ref&)>& after) {
    auto reader = capture_reader::open(path);
    if (!reader) return std::unexpected(reader.error());
    while (const auto packet = reader->next()) {
        take(*packet);
        if (after) after(packet->frame);
        if (packet->frame.number % between_calls == 0 && progress && !progress(reader->bytes_read())) return std::unexpected(stopped());
    }
    return reader->damage();
}

void intake::name_by(const std::function<void(connection&)>& names) {
    streams_.name_by(names);
    for (const auto& c : connections_) names(*c);
}

void intake::close() {
    streams_.finish();
    if (damaged_ > 0)
        all_.incomplete.push_back(std::to_string(damaged_) + " frames cannot be decoded, the first is " +
                                  all_.frame_text(first_damaged_.number) + ".");
}

void intake::finish() {
    close();
    std::ranges::sort(connections_, {}, [](const auto& c) { return c->id; });
    all_.connections.assign(connections_.begin(), connections_.end());
    if (!connections_.empty()) all_.began = connections_.front()->opened.time;
    std::ranges::sort(exchanges_, {}, [](const auto& e) { return std::pair(begin_of(*e).number, e->id); });
    std::uint64_t id = 0;
    for (auto& e : exchanges_) {
        e->id = ++id;
        all_.exchanges.push_back(std::move(e));
    }
    exchanges_.clear();
}

std::string stopped() {
    return "Reading was stopped.";
}

frame_ref begin_of(const exchange& e) {
    return e.request ? e.request->first : e.response ? e.response->first : e.on->opened;
}

}  // namespace badorigin::capture
