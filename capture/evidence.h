// Evidence read back from a bundle or a capture: the only thing, beside the scenario, that a verdict depends on.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/exchange.h"
#include "capture/marker.h"

namespace badorigin::capture {

/// Bytes that our own socket received on a connection, and how it ended; only used to notice that the capture lacks something.
struct received {
    endpoint local, remote;
    std::uint64_t bytes = 0;
    bool fin = false, rst = false;
};

/// One sample of the proxy's process tree.
struct vitals_sample {
    std::string step;          ///< name of the step that it was taken after; "start", "end"
    nanoseconds monotonic{0};  ///< real time since the run's start
    nanoseconds cpu{0};        ///< user + system of the whole tree so far
    nanoseconds starved{0};    ///< its threads were ready to run and had no core so far, summed over the threads that live
    std::uint64_t resident_bytes = 0;
    std::uint32_t descriptors = 0, processes = 0;
    bool alive = true;
    std::string exit;     ///< how it ended when not alive: "exit 1", "signal 6 (Aborted)"
    std::string proxy{};  ///< of several: whose
};

enum class evidence_kind : std::uint8_t { libpcap, tap, file };
std::string_view name(evidence_kind kind);

struct manifest {
    int format = 1;
    std::string tool_version;
    std::string scenario;  ///< its id, e.g. "saint/blacklisted-url-keeps-away-from-its-origin"
    std::string proxy, proxy_version;
    std::map<std::string, std::string>
        roles;  ///< "127.0.0.1:8080" → "proxy" or, of several, "proxy:front"; "127.0.0.1:9001" → "origin:app"
    /// Of several proxies: "127.0.0.2" → "front", who opened the connections to that address. Else empty.
    std::map<std::string, std::string> askers;
    std::uint64_t seed = 0;
    std::string run;  ///< the nonce of its markers: others are of a run beside it; empty (made elsewhere): the first marker's
    evidence_kind evidence = evidence_kind::libpcap;
    std::uint64_t kernel_drops = 0;
    bool virtual_time = false;
    std::string planted_bug;              ///< empty: none
    std::string interrupted;              ///< why the run ended early; empty: it did not
    std::string late, late_step;          ///< the first step that began too long after its instant, and how late; empty: none
    std::vector<std::string> unexpected;  ///< what origins were asked that their script does not answer, one sentence each
    std::string crashed;                  ///< of several proxies: which died
    std::string proxy_crash;              ///< filled when the proxy died by itself: "signal 6 (Aborted)"
};

/// A run of frames that stand side by side in one of several files.
struct frame_source {
    frame_number first = 0;    ///< in the evidence's numbering
    frame_number in_file = 0;  ///< the same frame's number in its file
    std::shared_ptr<const std::string> file;
};

struct evidence {
    capture::manifest manifest;
    std::vector<marker> markers;  ///< in file order
    std::vector<std::shared_ptr<const connection>> connections;
    std::vector<exchange_ptr> exchanges;    ///< in order of their first byte
    std::vector<transaction> transactions;  ///< in order of the client request's first byte; those without a client last
    /// Evidence that comes in parts (foreign.h): of exchanges that this part rests on, or holds, whose transaction is in another part, who
    /// asked for them: one each, with its client or candidates.
    std::vector<transaction> elsewhere;
    frame_number seen_to = ~frame_number{0};  ///< what no part holds yet begins at this frame or behind it
    nanoseconds began{0};                     ///< when the first connection was opened
    std::vector<vitals_sample> vitals;
    std::vector<capture::received> received;
    frame_number frames = 0;
    std::vector<frame_source> sources;  ///< several files: where each frame is from, in order; one file: empty

    /// "frame 17"; where several files were read "client.pcap frame 17", as that file counts.
    std::string frame_text(frame_number number) const;

    /// Why the evidence is not complete, one sentence each; empty: complete (DESIGN.md: no drops, sentinels at both ends, markers without
    /// a gap, no holes up to each close, received counts matched).
    std::vector<std::string> incomplete;

    /// Several proxies: what each of them saw, with legs and transactions relative to it (tiers.h). Exchanges and transactions above are
    /// then those of all tiers. Else empty.
    std::vector<evidence> tiers;
    std::string of_proxy;  ///< of a tier: whose

    /// The harness's clock at a frame: nanoseconds since the run's virtual start. With virtual time it is that of the last clock marker
    /// before the frame, in real time the packet's own time less the start marker's.
    nanoseconds clock_at(const frame_ref& frame) const;
};

/// Reads manifest.json, packets.pcapng, vitals.json, received.json of a bundle folder. The error is a sentence that names the file.
std::expected<evidence, std::string> read_bundle(const std::string& folder);
/// Reads a capture alone; roles may be empty (then legs are unknown).
std::expected<evidence, std::string> read_capture(const std::string& file, const manifest& about);

}  // namespace badorigin::capture
