// Markers: UDP datagrams on loopback by which the harness writes into its own capture. They give the run its sentinels at both ends, the
// clock's jumps and the beginnings of steps, all in packet order. They are numbered, so that a lost one is noticed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "capture/packet.h"

namespace badorigin::capture {

/// Where markers are sent: nobody needs to listen.
inline constexpr std::uint16_t marker_port = 9;  // discard (RFC 863)

struct marker {
    enum class kind : std::uint8_t { start, clock, step_begin, step_end, note, stop };
    marker::kind kind = kind::note;
    std::uint32_t number = 0;  ///< from 0, without gaps; start is 0
    std::string nonce;         ///< of the run; markers with another nonce are not ours
    nanoseconds clock{0};      ///< the harness's clock since the run's start, after the jump for `clock`
    nanoseconds wall{0};       ///< Unix time that the run's clock start stands for (what Date fields are made from), in `start`
    std::string text;          ///< step name or note
    std::uint32_t total = 0;   ///< in `stop`: number of markers in all
    frame_ref frame;           ///< filled by the reader

    std::string payload() const;  ///< one line, "badorigin-marker {json}"
    static std::optional<marker> parse(std::string_view payload);
};

}  // namespace badorigin::capture
