// A sink that writes down all that a reader tells, in one text form that tests and the fuzz target compare.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "http/reader.h"

namespace badorigin::http {

inline std::string describe(const fields& all) {
    std::string text;
    for (const field& one : all) text += fmt::format(" [{}={}@{}]", one.name, one.value, one.offset);
    return text;
}

inline std::string describe(const anomalies& all) {
    std::string text;
    for (const anomaly_at& one : all) text += fmt::format(" {}@{}", name(one.what), one.offset);
    return text;
}

inline std::string describe(const message& m) {
    return fmt::format("{} {} {} | {} {} | {}.{} {} {}..{}..{} length {} content {} {:x} '{}'{}{}{} | fields{} | trailers{} | anomalies{}",
                       m.side == direction::request ? "request" : "response", m.method, m.target, m.status, m.reason, m.version.major,
                       m.version.minor, name(m.framing), m.begin, m.body_begin, m.end,
                       m.declared_length ? fmt::to_string(*m.declared_length) : "-", m.content_size, m.content_hash, m.content_start,
                       m.header_complete ? " header-complete" : "", m.complete ? " complete" : "", m.gap ? " gap" : "", describe(m.fields),
                       describe(m.trailers), describe(m.anomalies));
}

class recorder : public reader_sink {
public:
    void on_begin(stream_offset at) override {
        log += fmt::format("begin {}\n", at);
        ++open;
    }
    void on_header(const message& so_far) override { log += fmt::format("header {}\n", describe(so_far)); }
    void on_end(message&& whole) override {
        log += fmt::format("end {}\n", describe(whole));
        --open;
        messages.push_back(std::move(whole));
    }
    void on_stray(stream_offset at, anomaly why) override {
        log += fmt::format("stray {} {}\n", at, name(why));
        strays.push_back({why, at});
    }

    std::string log;
    std::vector<message> messages;
    anomalies strays;
    int open = 0;  ///< begun and not ended
};

/// A reader with its recorder; a response reader awaits what `awaited` names.
struct reading {
    explicit reading(direction side, const std::vector<std::string>& awaited = {"GET"}, reader_limits limits = {})
        : read(side, heard, limits) {
        if (side == direction::response)
            for (const std::string& method : awaited) read.expect_response_to(method);
    }
    reading(direction side, std::string_view bytes, const std::vector<std::string>& awaited = {"GET"}) : reading(side, awaited) {
        read.feed(bytes);
    }
    const message& only() const { return heard.messages.at(0); }

    recorder heard;
    reader read;
};

}  // namespace badorigin::http
