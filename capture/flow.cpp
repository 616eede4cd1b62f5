// Two orders matter. Within a direction, sequence numbers tell. Between the directions, acknowledgements do: a segment that acknowledges
// bytes was sent after they were received, so it is held back until they have been delivered. Thus a response never overtakes its request,
// in whatever order the capture gives them, and a request that is missing from the capture is noticed before its response is read.
//
// A hole is declared only when it is certain: when the other side has acknowledged its bytes and the capture had `slack` to bring them
// (packets of several CPUs may change places), when too much waits behind it, or when the connection is over.
#include "capture/flow.h"

#include <algorithm>

namespace badorigin::capture {
namespace {

constexpr nanoseconds slack = std::chrono::milliseconds(200);
constexpr std::int64_t largest_window = 1 << 30;  // RFC 7323

void keep_first(frame_ref& into, const frame_ref& frame) {
    if (!into) into = frame;
}

}  // namespace

flow::flow(std::shared_ptr<connection> on, const namer& names, std::uint64_t& last_exchange_id, const exchange_builder::on_exchange& yield,
           spares& used, const stream_limits& limits)
    : on_(std::move(on)), names_(names), limits_(limits), builder_(on_, last_exchange_id, yield, used, limits.http) {
    names_(*on_);
}

frame_ref flow::oldest_open() const {
    frame_ref oldest = builder_.oldest_open();
    for (const reassembly& half : halves_)
        if (const frame_ref first = half.oldest_waiting(); first && (!oldest || first.number < oldest.number)) oldest = first;
    return oldest;
}

bool flow::begins_anew(const tcp_segment& s) const {
    const reassembly& mine = halves_[from_client(s) ? 0 : 1];
    if (s.syn) return mine.started() && mine.base() != s.sequence + 1;
    if (!on_->closed() || s.payload.empty() || !mine.started()) return false;
    // Bytes behind the end of a closed connection: one whose SYN the capture lacks.
    const std::int64_t at = mine.offset_of(s.sequence), next = static_cast<std::int64_t>(mine.next());
    return (mine.at_end() && at >= next) || at > next + largest_window || at < -largest_window;
}

/// The first segments seen came in mid-stream and the guess who is the client was wrong.
void flow::turn_round() {
    std::swap(on_->client, on_->server);
    std::swap(on_->client_fin, on_->server_fin);
    std::swap(on_->client_rst, on_->server_rst);
    std::swap(halves_[0], halves_[1]);
    std::swap(fin_cause_[0], fin_cause_[1]);
    std::swap(closed_socket_[0], closed_socket_[1]);
    names_(*on_);
}

void flow::feed(const tcp_segment& s) {
    const bool guessed_wrong = s.syn && from_client(s) == s.ack;  // a SYN from the server, a SYN-ACK from the client
    if (guessed_wrong && on_->request_bytes + on_->response_bytes == 0 && on_->exchanges == 0) turn_round();
    const int d = from_client(s) ? 0 : 1;
    note(s, d);
    if (!s.payload.empty() || s.payload_missing != 0) payload(s, d);
    if (waits() || halves_[0].end_known() || halves_[1].end_known()) settle(certainty::in_order);
    look_for_holes(s.frame);
}

/// What the header says: where the streams begin and end, and what was received.
void flow::note(const tcp_segment& s, int d) {
    reassembly &mine = halves_[d], &other = halves_[1 - d];
    on_->last = s.frame;
    const std::uint32_t first = s.sequence + (s.syn ? 1 : 0);
    if (!mine.started() && !s.rst) mine.start(first);
    if (s.syn && !s.ack) {
        if (on_->complete_start)
            ++on_->retransmissions;
        else
            on_->opened = s.frame;
        on_->complete_start = true;
    }
    const bool closed_before = static_cast<bool>(d == 0 ? on_->client_fin : on_->server_fin);
    if ((s.syn && s.ack && accepted_) || (s.fin && closed_before && s.payload.empty())) ++on_->retransmissions;
    accepted_ = accepted_ || (s.syn && s.ack);
    if ((s.syn && s.ack) || !s.payload.empty()) on_->established = true;
    if (s.ack && other.started())
        other.acknowledge(other.offset_of(s.acknowledgement), s.frame);
    else if (s.ack)
        other.start(s.acknowledgement);
    if (s.fin && mine.started() && !mine.end_known()) {
        mine.ends_at(mine.offset_of(first) + static_cast<std::int64_t>(s.payload.size()) + s.payload_missing, s.frame);
        fin_cause_[d] = received_when_sent(s, d);
    }
    // A RST that answers a SYN carries sequence number 0.
    if (s.rst && mine.started() && s.sequence != 0) mine.reset_at(mine.offset_of(s.sequence), s.frame);
    if (s.rst && !s.ack && closed_before) keep_first(closed_socket_[d], s.frame);
    if (s.fin) keep_first(d == 0 ? on_->client_fin : on_->server_fin, s.frame);
    if (s.rst) keep_first(d == 0 ? on_->client_rst : on_->server_rst, s.frame);
    on_->refused = on_->complete_start && on_->server_rst && !on_->established;
}

/// How much of the other direction the sender had received.
http::stream_offset flow::received_when_sent(const tcp_segment& s, int d) const {
    const reassembly& other = halves_[1 - d];
    if (!s.ack || !other.started()) return 0;
    const std::int64_t at = other.offset_of(s.acknowledgement);
    return at > 0 && at <= static_cast<std::int64_t>(other.next()) + largest_window ? static_cast<http::stream_offset>(at) : 0;
}

void flow::payload(const tcp_segment& s, int d) {
    reassembly& mine = halves_[d];
    std::string_view bytes = s.payload;
    std::int64_t at = mine.offset_of(s.sequence + (s.syn ? 1 : 0));
    const auto next = static_cast<std::int64_t>(mine.next());
    const std::int64_t to = at + static_cast<std::int64_t>(bytes.size()) + s.payload_missing;
    if (to <= next) {
        if (bytes.size() == 1 && to == next && s.payload_missing == 0 && !s.fin) return;  // a keep-alive probe: its byte means nothing
        ++on_->retransmissions;
        if (mine.differs(at, bytes)) ++on_->overlaps_that_differ;
        return;
    }
    if (at > next + largest_window) return;  // belongs to no window of this connection
    if (at < 0) {
        bytes.remove_prefix(std::min(bytes.size(), static_cast<std::size_t>(-at)));
        at = 0;
    }
    const auto cause = received_when_sent(s, d);
    const auto offset = static_cast<http::stream_offset>(at);
    if (at <= next && !mine.anything_waits() && halves_[1 - d].reached(cause))
        deliver(d, offset, bytes, s.payload_missing, s.frame);
    else
        mine.keep(offset, {std::string(bytes), s.payload_missing, cause, s.frame});
}

/// `at` is not behind what comes next; what was delivered before is taken off.
void flow::deliver(int d, http::stream_offset at, std::string_view bytes, std::uint32_t missing, const frame_ref& frame) {
    reassembly& mine = halves_[d];
    const http::stream_offset to = at + bytes.size() + missing;
    if (at < mine.next()) {
        if (mine.differs(static_cast<std::int64_t>(at), bytes)) ++on_->overlaps_that_differ;
        if (to <= mine.next()) ++on_->retransmissions;
        bytes.remove_prefix(std::min<http::stream_offset>(bytes.size(), mine.next() - at));
    }
    builder_.feed(side(d), frame, bytes);
    mine.pass(bytes);
    (d == 0 ? on_->request_bytes : on_->response_bytes) += bytes.size();
    if (to > mine.next()) declare_hole(d, {to, frame});
}

void flow::declare_hole(int d, const reassembly::missing& hole) {
    reassembly& mine = halves_[d];
    on_->holes.push_back({side(d), mine.next(), hole.to, hole.noticed_at});
    builder_.gap(side(d), hole.to - mine.next());
    mine.skip_to(hole.to);
}

/// Delivers what waits and can be delivered; true when something went on.
bool flow::drain(int d, bool regardless_of_cause) {
    reassembly &mine = halves_[d], &other = halves_[1 - d];
    bool went_on = false;
    while (mine.anything_waits() && mine.first_waiting() <= mine.next() && (regardless_of_cause || other.reached(mine.front().cause))) {
        const http::stream_offset at = mine.first_waiting();
        const waiting_piece piece = mine.take_front();
        deliver(d, at, piece.bytes, piece.missing, piece.frame);
        went_on = true;
        if (regardless_of_cause) return true;
    }
    if (mine.at_end() && !mine.anything_waits() && (regardless_of_cause || other.reached(fin_cause_[d])))
        builder_.end(side(d), http::stream_end::fin);
    return went_on;
}

bool flow::resolve_a_hole(certainty how) {
    for (int d = 0; d < 2; ++d) {
        const auto hole = how == certainty::everything ? halves_[d].final_hole() : halves_[d].acknowledged_hole();
        if (!hole) continue;
        declare_hole(d, *hole);
        return true;
    }
    return false;
}

void flow::settle(certainty how) {
    for (;;) {
        const bool requests = drain(0, false), responses = drain(1, false);
        if (requests || responses) continue;
        if (how == certainty::in_order) return;
        if (resolve_a_hole(how)) continue;
        // Each direction waits for the other: contradictory acknowledgements.
        if (how != certainty::everything || (!drain(0, true) && !drain(1, true))) return;
    }
}

void flow::look_for_holes(const frame_ref& now) {
    const bool suspect = waits() || halves_[0].acknowledged_hole() || halves_[1].acknowledged_hole();
    if (!suspect) {
        stuck_since_ = {};
    } else if (!stuck_since_) {
        stuck_since_ = now;
    } else if (now.time - stuck_since_.time > slack) {
        settle(certainty::acknowledged);
        stuck_since_ = now;
    }
    if (halves_[0].bytes_waiting() + halves_[1].bytes_waiting() > limits_.out_of_order_bytes) settle(certainty::everything);
}

/// RFC 9293 section 3.10.7.1: a reset without ACK answers a segment that came to a closed socket. Where the other side has not ended and
/// nothing of it is left without an acknowledgement, that segment is missing. (Behind the other side's end an acknowledgement may come
/// late and be answered so, too: nothing can be missing there.)
void flow::explain_resets() {
    for (int d = 0; d < 2; ++d)
        if (closed_socket_[d] && halves_[1 - d].goes_on_unseen()) keep_first(on_->unexplained_reset, closed_socket_[d]);
}

void flow::finish(http::stream_end how) {
    settle(certainty::everything);
    explain_resets();
    on_->client_sequence = halves_[0].base();
    on_->server_sequence = halves_[1].base();
    builder_.finish(on_->client_rst || on_->server_rst ? http::stream_end::reset : how);
}

}  // namespace badorigin::capture
