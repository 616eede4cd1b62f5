// Ethernet frames with TCP or UDP in IPv4 or IPv6, checksums right: for the tap, and for tests.
#pragma once

#include <string>
#include <string_view>

#include "capture/packet.h"

namespace badorigin::capture {

/// `segment.payload` is copied; it has to fit into one packet (65,000 bytes).
std::string make_frame(const tcp_segment& segment);
std::string make_frame(const udp_datagram& datagram);

}  // namespace badorigin::capture
