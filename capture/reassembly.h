// One direction of a TCP connection: where each byte belongs, what is waiting for bytes before it, and how far the stream is known to
// reach. Offsets count from the first byte behind the SYN, or from the first byte seen where the capture began in mid-stream.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "capture/packet.h"
#include "http/anomaly.h"

namespace badorigin::capture {

/// Payload that cannot be delivered yet.
struct waiting_piece {
    std::string bytes;
    std::uint32_t missing = 0;      ///< behind `bytes`, cut off by the snap length
    http::stream_offset cause = 0;  ///< what its sender had received of the other direction
    frame_ref frame;
};

class reassembly {
public:
    bool started() const { return started_; }
    void start(std::uint32_t first_sequence) {
        started_ = true;
        base_ = first_sequence;
    }
    std::uint32_t base() const { return base_; }

    /// The stream offset of a sequence number, the one nearest to what comes next (sequence numbers wrap); negative: before the stream.
    std::int64_t offset_of(std::uint32_t sequence) const {
        const auto distance = static_cast<std::int32_t>(sequence - (base_ + static_cast<std::uint32_t>(next_)));
        return static_cast<std::int64_t>(next_) + distance;
    }

    /// Everything before it was delivered, or declared a hole.
    http::stream_offset next() const { return next_; }
    void pass(std::string_view delivered);
    void skip_to(http::stream_offset to) { next_ = to; }

    void acknowledge(std::int64_t to, const frame_ref& by);
    void ends_at(std::int64_t at, const frame_ref& by);
    void reset_at(std::int64_t at, const frame_ref& by);
    bool end_known() const { return end_.has_value(); }
    bool at_end() const { return end_ && next_ >= *end_; }
    /// Has everything been passed that the other side had received when it acknowledged `offset`? (An acknowledged FIN counts one.)
    bool reached(http::stream_offset offset) const { return next_ >= offset || at_end(); }

    /// Is there more of it to come by all that is known: was no FIN seen, and has each byte been acknowledged?
    bool goes_on_unseen() const { return !end_ && next_ <= acknowledged_; }

    /// Does the piece [offset, offset + bytes) differ from what was delivered there, as far as that is remembered?
    bool differs(std::int64_t offset, std::string_view bytes) const;

    void keep(http::stream_offset offset, waiting_piece piece);
    bool anything_waits() const { return !waiting_.empty(); }
    std::size_t bytes_waiting() const { return bytes_waiting_; }
    http::stream_offset first_waiting() const { return waiting_.begin()->first; }
    const waiting_piece& front() const { return waiting_.begin()->second; }
    waiting_piece take_front();
    /// The first frame of those that wait; none: nothing does.
    frame_ref oldest_waiting() const;

    struct missing {
        http::stream_offset to = 0;
        frame_ref noticed_at;
    };
    /// The hole at next(), as far as the other side's acknowledgements prove it. Nothing where none is proven.
    std::optional<missing> acknowledged_hole() const;
    /// The hole at next() by everything that is known, for when nothing more can come.
    std::optional<missing> final_hole() const;

private:
    bool started_ = false;
    std::uint32_t base_ = 0;
    http::stream_offset next_ = 0;
    http::stream_offset acknowledged_ = 0;
    frame_ref acknowledged_by_;
    std::optional<http::stream_offset> end_;  // of the FIN
    http::stream_offset bound_ = 0;           // the furthest byte that a FIN or RST places before itself
    frame_ref bound_by_;
    std::multimap<http::stream_offset, waiting_piece> waiting_;
    std::size_t bytes_waiting_ = 0;
    std::string tail_;  // the last bytes delivered, to compare retransmissions with
};

}  // namespace badorigin::capture
