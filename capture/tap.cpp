#include "capture/tap.h"

#include <mutex>
#include <unordered_map>

#include "capture/capture_reader.h"
#include "capture/frame_maker.h"

namespace badorigin::capture {
namespace {

constexpr std::size_t segment_size = 16384;

struct tapped {
    endpoint ends[2];                // client, server
    std::uint32_t next[2] = {0, 0};  // sequence numbers
};

}  // namespace

struct tap::state {
    explicit state(pcapng_writer w) : writer(std::move(w)) {}

    mutable std::mutex mutex;
    pcapng_writer writer;
    time_source now;
    connection_id last_id = 0;
    std::unordered_map<connection_id, tapped> open;
    std::uint32_t next_marker = 0;

    void write(const std::string& frame) {
        raw_packet packet;
        packet.frame.time = now();
        packet.data = frame;
        writer.write(packet);
    }
    void segment(const tapped& c, int d, bool syn, bool fin, bool rst, bool ack, std::string_view payload = {}) {
        tcp_segment s;
        s.from = c.ends[d];
        s.to = c.ends[1 - d];
        s.sequence = c.next[d];
        s.acknowledgement = ack ? c.next[1 - d] : 0;
        s.window = 65535;
        s.syn = syn;
        s.fin = fin;
        s.rst = rst;
        s.ack = ack;
        s.payload = payload;
        write(make_frame(s));
    }
    tapped fresh(const endpoint& client, const endpoint& server) {
        tapped c;
        c.ends[0] = client;
        c.ends[1] = server;
        // Unlike for each connection, so that a port used again begins a connection of its own.
        c.next[0] = static_cast<std::uint32_t>(++last_id * 2654435761u);
        c.next[1] = ~c.next[0];
        return c;
    }
    tapped* find(connection_id id) {
        const auto found = open.find(id);
        return found == open.end() ? nullptr : &found->second;
    }
};

tap::tap(std::unique_ptr<state> s) : state_(std::move(s)) {}
tap::~tap() = default;

nanoseconds tap::system_time() {
    return std::chrono::system_clock::now().time_since_epoch();
}

std::expected<std::unique_ptr<tap>, std::string> tap::create(const std::string& file, time_source now) {
    auto writer = pcapng_writer::create(file, link_type::ethernet);
    if (!writer) return std::unexpected(writer.error());
    auto s = std::make_unique<state>(std::move(*writer));
    s->now = std::move(now);
    return std::unique_ptr<tap>(new tap(std::move(s)));
}

tap::connection_id tap::opened(const endpoint& client, const endpoint& server) {
    state& s = *state_;
    const std::scoped_lock lock(s.mutex);
    tapped c = s.fresh(client, server);
    s.segment(c, 0, true, false, false, false);
    ++c.next[0];
    s.segment(c, 1, true, false, false, true);
    ++c.next[1];
    s.segment(c, 0, false, false, false, true);
    s.open.emplace(s.last_id, c);
    return s.last_id;
}

void tap::refused(const endpoint& client, const endpoint& server) {
    state& s = *state_;
    const std::scoped_lock lock(s.mutex);
    tapped c = s.fresh(client, server);
    s.segment(c, 0, true, false, false, false);
    ++c.next[0];
    c.next[1] = 0;
    s.segment(c, 1, false, false, true, true);
}

void tap::data(connection_id connection, http::direction side, std::string_view bytes) {
    state& s = *state_;
    const std::scoped_lock lock(s.mutex);
    tapped* c = s.find(connection);
    if (!c) return;
    const int d = side == http::direction::request ? 0 : 1;
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, segment_size);
        s.segment(*c, d, false, false, false, true, piece);
        c->next[d] += static_cast<std::uint32_t>(piece.size());
        bytes.remove_prefix(piece.size());
    }
    s.segment(*c, 1 - d, false, false, false, true);
}

void tap::fin(connection_id connection, http::direction side) {
    state& s = *state_;
    const std::scoped_lock lock(s.mutex);
    tapped* c = s.find(connection);
    if (!c) return;
    const int d = side == http::direction::request ? 0 : 1;
    s.segment(*c, d, false, true, false, true);
    ++c->next[d];
    s.segment(*c, 1 - d, false, false, false, true);
}

void tap::rst(connection_id connection, http::direction side) {
    state& s = *state_;
    const std::scoped_lock lock(s.mutex);
    tapped* c = s.find(connection);
    if (!c) return;
    s.segment(*c, side == http::direction::request ? 0 : 1, false, false, true, true);
    s.open.erase(connection);
}

std::uint32_t tap::mark(marker m, const std::string& nonce) {
    state& s = *state_;
    const std::scoped_lock lock(s.mutex);
    m.number = s.next_marker++;
    m.nonce = nonce;
    if (m.kind == marker::kind::stop) m.total = s.next_marker;
    const std::string payload = m.payload();
    udp_datagram d;
    endpoint::parse("127.0.0.1:" + std::to_string(marker_port), d.to);
    d.from = d.to;
    d.payload = payload;
    s.write(make_frame(d));
    return m.number;
}

void tap::flush() {
    const std::scoped_lock lock(state_->mutex);
    state_->writer.flush();
}

std::string tap::error() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->writer.error();
}

frame_number tap::written() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->writer.written();
}

}  // namespace badorigin::capture
