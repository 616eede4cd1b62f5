// What writes a run's packets: a capture on loopback, or, only when asked for, what our own sockets sent and received.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capture/marker.h"
#include "fake-backends/engine.h"

namespace badorigin::stage {

class witness {
public:
    virtual ~witness() = default;
    /// Puts a marker among the packets; returns its number.
    virtual std::uint32_t mark(const capture::marker& what) = 0;
    /// Waits until the packets show the marker with that number; false when they do not within some seconds.
    virtual bool has_seen(std::uint32_t number) = 0;
    /// First write error so far; empty: none.
    virtual std::string error() const = 0;
    struct result {
        std::uint64_t kernel_drops = 0;
        std::string error;
    };
    /// Writes what is left and closes the file. Call once.
    virtual result stop() = 0;
};

/// Captures what the filter lets through; throws run_error.
std::unique_ptr<witness> make_live_witness(const std::string& file, const std::string& filter, const std::string& nonce);

/// Needs no right to capture, and sees no more than an application does. `watch` is for the engine, whose loop must end before the witness.
struct tapped {
    std::unique_ptr<witness> packets;
    peers::socket_watch watch;
};
tapped make_tap_witness(const std::string& file, const std::string& nonce);

}  // namespace badorigin::stage
