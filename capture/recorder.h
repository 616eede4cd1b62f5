// Live capture on loopback through libpcap into a bundle's packets.pcapng (FACTS.md: TPACKET_V3 with a 1 ms timeout,
// PACKET_IGNORE_OUTGOING, never `inbound`).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "capture/marker.h"

namespace badorigin::capture {

struct recorder_settings {
    std::string interface = "lo";
    std::string file;    ///< packets.pcapng to write
    std::string filter;  ///< BPF expression; empty: everything
    std::size_t ring_bytes = 16u << 20;
    std::string nonce;  ///< markers are recognised by it
};

/// Owns a thread that drains the ring into the file. Opened in the network namespace of the calling thread (which it keeps).
class recorder {
public:
    /// The error is a sentence; `permission` is set when it is the right to capture that lacks.
    struct failure {
        std::string message;
        bool permission = false;
    };
    static std::expected<std::unique_ptr<recorder>, failure> start(const recorder_settings& settings);
    virtual ~recorder() = default;

    /// Waits until the marker with that number has come through the capture. False when the deadline passed.
    virtual bool wait_for_marker(std::uint32_t number, std::chrono::milliseconds deadline) = 0;
    struct result {
        std::uint64_t frames = 0, kernel_drops = 0;
        std::string error;  ///< writing failed: "packets.pcapng: No space left on device"
    };
    /// Drains, stops the thread, closes the file. Call once.
    virtual result stop() = 0;
    /// First write error so far; empty: none.
    virtual std::string error() const = 0;
};

/// Sends markers from a UDP socket on loopback of the namespace in which it was made.
class marker_sender {
public:
    explicit marker_sender(std::string nonce);
    ~marker_sender();
    marker_sender(const marker_sender&) = delete;
    marker_sender& operator=(const marker_sender&) = delete;
    /// Fills number and nonce (and total for stop), sends, returns the number.
    std::uint32_t send(marker m);

private:
    std::string nonce_;
    std::uint32_t next_ = 0;
    int socket_ = -1;
};

/// Rights. Each is tried at most once a process, before threads start.
enum class capture_right : std::uint8_t { direct, namespace_of_our_own, none };
/// Tries to open a capture on `lo`; without the right enters a user + network namespace (uid and gid mapped onto themselves), brings `lo`
/// up and tries again. `why` says what failed and how to get the right. Call from the main thread before any other thread exists.
capture_right obtain_capture_right(std::string& why);
/// How to get the right, as a clause of a sentence.
std::string how_to_capture();
/// A fresh network namespace for the calling thread with `lo` up; false (with errno's text) where that is not allowed.
std::expected<void, std::string> enter_fresh_network_namespace();

}  // namespace badorigin::capture
