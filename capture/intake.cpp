#include "capture/intake.h"

#include <algorithm>

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

void intake::finish() {
    streams_.finish();
    if (damaged_ > 0)
        all_.incomplete.push_back(std::to_string(damaged_) + " frames cannot be decoded, the first is " +
                                  all_.frame_text(first_damaged_.number) + ".");
    std::ranges::sort(connections_, {}, [](const auto& c) { return c->id; });
    all_.connections.assign(connections_.begin(), connections_.end());

    const auto first_frame = [](const std::shared_ptr<exchange>& e) {
        const auto& first = e->request ? e->request->first : e->response ? e->response->first : e->on->opened;
        return std::pair(first.number, e->id);
    };
    std::ranges::sort(exchanges_, {}, first_frame);
    std::uint64_t id = 0;
    for (auto& e : exchanges_) {
        e->id = ++id;
        all_.exchanges.push_back(std::move(e));
    }
    exchanges_.clear();
}

}  // namespace badorigin::capture
