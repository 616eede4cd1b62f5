// The table of open connections. A closed one stays for a moment (late segments, packets of several CPUs that changed places), then it is
// finished: memory is bounded by what is open, not by the capture.
#include "capture/streams.h"

#include <deque>
#include <set>
#include <unordered_map>

#include "capture/ends.h"
#include "capture/flow.h"

namespace badorigin::capture {
namespace {

constexpr nanoseconds linger_time = std::chrono::milliseconds(250);
constexpr frame_number linger_frames = 65536;

}  // namespace

struct stream_table::impl {
    std::map<endpoint, std::string> roles;  // by what the manifest says of addresses: "proxy", "origin:app"
    std::set<endpoint> listening;           // who a SYN was sent to
    namer names = [this](connection& c) { name(c); };
    on_connection connections;
    on_exchange exchanges;
    stream_limits limits;
    spares used;
    std::uint64_t last_connection = 0, last_exchange = 0;
    std::unordered_map<pair_of_ends, std::unique_ptr<capture::flow>, hash_of_ends> open;
    struct closing {
        pair_of_ends ends;
        std::uint64_t id;
        frame_ref since;
    };
    std::deque<closing> closed;

    bool client_is_sender(const tcp_segment& s) const {
        if (s.syn) return !s.ack;
        if (roles.contains(s.to) != roles.contains(s.from)) return roles.contains(s.to);
        if (listening.contains(s.to) != listening.contains(s.from)) return listening.contains(s.to);
        if (s.payload.starts_with("HTTP/")) return false;
        if (s.payload.find(" HTTP/1.") < s.payload.find('\n')) return true;
        return s.to.port <= s.from.port;
    }

    void name(connection& c) const {
        const auto role = roles.find(c.server);
        c.server_name = role == roles.end() ? std::string() : role->second;
        const std::string_view name = c.server_name;
        if (name == "proxy" || name.starts_with("proxy:"))
            c.leg = leg::client;
        else
            c.leg = name == "origin" || name.starts_with("origin:") ? leg::origin : leg::unknown;
    }

    std::unique_ptr<capture::flow> make(const tcp_segment& s) {
        auto on = std::make_shared<connection>();
        on->id = ++last_connection;
        on->client = client_is_sender(s) ? s.from : s.to;
        on->server = client_is_sender(s) ? s.to : s.from;
        if (s.syn) listening.insert(on->server);
        on->opened = s.frame;
        return std::make_unique<capture::flow>(std::move(on), names, last_exchange, exchanges, used, limits);
    }

    void over(capture::flow& f) {
        f.finish(http::stream_end::capture_ended);
        if (connections) connections(f.on());
    }

    void finish_closed(const frame_ref& now) {
        while (!closed.empty()) {
            const closing& c = closed.front();
            if (now.number - c.since.number < linger_frames && now.time - c.since.time < linger_time) return;
            const auto found = open.find(c.ends);
            if (found != open.end() && found->second->on()->id == c.id) {
                over(*found->second);
                open.erase(found);
            }
            closed.pop_front();
        }
    }
};

stream_table::stream_table(std::map<std::string, std::string> roles, on_connection connections, on_exchange exchanges, stream_limits limits)
    : impl_(std::make_unique<impl>()) {
    for (const auto& [text, role] : roles) {
        endpoint e;
        if (endpoint::parse(text, e)) impl_->roles.emplace(e, role);
    }
    impl_->connections = std::move(connections);
    impl_->exchanges = exchanges ? std::move(exchanges) : [](const std::shared_ptr<exchange>&) {};
    impl_->limits = limits;
}

stream_table::~stream_table() = default;

void stream_table::feed(const tcp_segment& segment) {
    impl& t = *impl_;
    t.finish_closed(segment.frame);
    const pair_of_ends ends(segment.from, segment.to);
    auto found = t.open.find(ends);
    if (found != t.open.end() && found->second->begins_anew(segment)) {
        t.over(*found->second);
        t.open.erase(found);
        found = t.open.end();
    }
    if (found == t.open.end()) {
        // A late ACK, FIN or RST of what is over, or of what was never seen, opens nothing.
        if (!segment.syn && segment.payload.empty() && segment.payload_missing == 0) return;
        found = t.open.emplace(ends, t.make(segment)).first;
    }
    capture::flow& f = *found->second;
    const bool was_closed = f.on()->closed();
    f.feed(segment);
    if (!was_closed && f.on()->closed()) t.closed.push_back({ends, f.on()->id, segment.frame});
}

void stream_table::finish() {
    impl& t = *impl_;
    std::map<std::uint64_t, capture::flow*> in_order;
    for (const auto& [ends, f] : t.open) in_order.emplace(f->on()->id, f.get());
    for (const auto& [id, f] : in_order) t.over(*f);
    t.open.clear();
    t.closed.clear();
}

frame_ref stream_table::oldest_open() const {
    frame_ref oldest;
    for (const auto& [ends, f] : impl_->open)
        if (const frame_ref first = f->oldest_open(); first && (!oldest || first.number < oldest.number)) oldest = first;
    return oldest;
}

void stream_table::name_by(std::function<void(connection&)> names) {
    impl_->names = std::move(names);
    for (const auto& [ends, f] : impl_->open) impl_->names(*f->on());
}

void stream_table::take_back(std::shared_ptr<exchange> e) {
    impl_->used.give(std::move(e));
}

std::size_t stream_table::open_streams() const {
    return impl_->open.size();
}

}  // namespace badorigin::capture
