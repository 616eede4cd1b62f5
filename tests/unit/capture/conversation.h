// Segments made by hand: a little TCP connection whose every segment a test can keep, drop, cut, repeat or move.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture/streams.h"

namespace badorigin::capture::testing {

inline endpoint ends(const std::string& text) {
    endpoint e;
    if (!endpoint::parse(text, e)) throw std::invalid_argument(text);
    return e;
}

struct segment {
    tcp_segment header;  // its payload is `bytes`
    std::string bytes;
};

/// Each call adds a segment; sequence and acknowledgement numbers are those of a peer that receives everything at once.
class conversation {
public:
    explicit conversation(const std::string& client = "127.0.0.1:50000", const std::string& server = "127.0.0.1:80",
                          std::uint32_t client_isn = 1000, std::uint32_t server_isn = 900000)
        : ends_{ends(client), ends(server)}, next_{client_isn, server_isn} {}

    conversation& open() {
        add(0, "", [](tcp_segment& s) { s.syn = true, s.ack = false, s.acknowledgement = 0; });
        ++next_[0];
        add(1, "", [](tcp_segment& s) { s.syn = true; });
        ++next_[1];
        return ack(0);
    }
    conversation& request(const std::string& bytes) { return data(0, bytes); }
    conversation& response(const std::string& bytes) { return data(1, bytes); }
    conversation& data(int d, const std::string& bytes) {
        add(d, bytes);
        next_[d] += static_cast<std::uint32_t>(bytes.size());
        return *this;
    }
    conversation& ack(int d) {
        add(d, "");
        return *this;
    }
    conversation& fin(int d) {
        add(d, "", [](tcp_segment& s) { s.fin = true; });
        ++next_[d];
        return *this;
    }
    conversation& rst(int d) {
        add(d, "", [](tcp_segment& s) { s.rst = true; });
        return *this;
    }
    conversation& close() { return fin(0).fin(1).ack(0); }
    conversation& pause(nanoseconds time) {
        now_ += time;
        return *this;
    }
    void add(int d, const std::string& bytes, const std::function<void(tcp_segment&)>& change = {}) {
        tcp_segment s;
        s.from = ends_[d];
        s.to = ends_[1 - d];
        s.sequence = next_[d];
        s.ack = true;
        s.acknowledgement = next_[1 - d];
        now_ += std::chrono::microseconds(10);
        s.frame.time = now_;
        if (change) change(s);
        segments.push_back({s, bytes});
    }

    std::vector<segment> segments;

private:
    endpoint ends_[2];
    std::uint32_t next_[2];
    nanoseconds now_ = std::chrono::seconds(1'700'000'000);
};

struct seen {
    std::vector<std::shared_ptr<connection>> connections;
    std::vector<std::shared_ptr<exchange>> exchanges;
    std::size_t open_before_the_end = 0;

    std::size_t holes() const {
        std::size_t n = 0;
        for (const auto& c : connections) n += c->holes.size();
        return n;
    }
};

inline seen read(const std::vector<segment>& segments, std::map<std::string, std::string> roles = {}, stream_limits limits = {}) {
    seen all;
    stream_table table(
        std::move(roles), [&](std::shared_ptr<connection> c) { all.connections.push_back(std::move(c)); },
        [&](std::shared_ptr<exchange> e) { all.exchanges.push_back(std::move(e)); }, limits);
    frame_number n = 0;
    for (const segment& s : segments) {
        tcp_segment t = s.header;
        t.frame.number = ++n;
        t.payload = s.bytes;
        table.feed(t);
    }
    all.open_before_the_end = table.open_streams();
    table.finish();
    return all;
}

/// What an exchange says, without frame numbers: for comparing two readings.
inline std::string gist(const seen& all) {
    std::string text;
    const auto add = [&](const seen_message& m) {
        text += m.message.method + ' ' + m.message.target + ' ' + std::to_string(m.message.status) + " body " +
                std::to_string(m.message.content_size) + '/' + std::to_string(m.message.content_hash) +
                (m.message.complete ? " whole" : " cut") + (m.message.gap ? " gap" : "") + " at " + std::to_string(m.message.begin) + '-' +
                std::to_string(m.message.end) + " anomalies " + std::to_string(m.message.anomalies.size()) + '\n';
    };
    for (const auto& e : all.exchanges) {
        text += "exchange " + std::to_string(e->on->id) + '.' + std::to_string(e->index) + (e->gap ? " gap" : "") + '\n';
        if (e->request) add(*e->request);
        for (const auto& i : e->interim) add(i);
        if (e->response) add(*e->response);
    }
    for (const auto& c : all.connections)
        text += "connection " + c->client.text() + ' ' + c->server.text() + (c->complete_start ? " start" : "") +
                (c->closed() ? " closed" : "") + (c->refused ? " refused" : "") + ' ' + std::to_string(c->request_bytes) + '+' +
                std::to_string(c->response_bytes) + " holes " + std::to_string(c->holes.size()) + " stray " +
                std::to_string(c->stray.size()) + '\n';
    return text;
}

inline std::string ok(const std::string& body, const std::string& fields = "") {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get(const std::string& target, const std::string& fields = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
inline std::string post(const std::string& target, const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace badorigin::capture::testing
