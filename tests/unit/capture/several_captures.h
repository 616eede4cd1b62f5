// Traffic between several hosts, and captures of it taken at several places with clocks of their own.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "capture/capture_reader.h"
#include "capture/frame_maker.h"
#include "conversation.h"

namespace badorigin::capture::testing {

/// One connection whose segments are put at times of the test's choice, relative to the traffic's start.
class timed_connection {
public:
    timed_connection(const std::string& client, const std::string& server, std::uint32_t isn = 1000)
        : talk_(client, server, isn, isn + 500'000) {}

    timed_connection& open(nanoseconds at) {
        return put(at, [this] { talk_.open(); });
    }
    timed_connection& request(nanoseconds at, const std::string& bytes) {
        return put(at, [&] { talk_.request(bytes).ack(1); });
    }
    timed_connection& response(nanoseconds at, const std::string& bytes) {
        return put(at, [&] { talk_.response(bytes).ack(0); });
    }
    timed_connection& close(nanoseconds at) {
        return put(at, [this] { talk_.close(); });
    }
    timed_connection& server_closes(nanoseconds at) {
        return put(at, [this] { talk_.fin(1).fin(0).ack(1); });
    }
    const std::vector<segment>& segments() const { return talk_.segments; }

private:
    timed_connection& put(nanoseconds at, const std::function<void()>& what) {
        const std::size_t first = talk_.segments.size();
        what();
        for (std::size_t i = first; i < talk_.segments.size(); ++i)
            talk_.segments[i].header.frame.time = at + std::chrono::microseconds(i - first);
        return *this;
    }
    conversation talk_;
};

/// Where and when a capture is taken.
struct place {
    nanoseconds clock{0};                                       ///< how far this clock is ahead
    nanoseconds from{0}, to{1'000'000'000'000};                 ///< what it captures, by true time
    std::function<nanoseconds(const tcp_segment&)> delay = {};  ///< on the way to this place
};
/// A folder for captures.
class captures : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "badorigin-captures-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    /// Writes what is seen at a place; returns the file's path.
    std::string write(const std::string& name, const std::vector<timed_connection>& traffic, const place& at = {}) {
        std::vector<segment> seen;
        for (const timed_connection& c : traffic) {
            for (segment s : c.segments()) {
                if (s.header.frame.time < at.from || s.header.frame.time >= at.to) continue;
                if (at.delay) s.header.frame.time += at.delay(s.header);
                seen.push_back(std::move(s));
            }
        }
        std::ranges::stable_sort(seen, {}, [](const segment& s) { return s.header.frame.time; });
        const std::string path = (folder / name).string();
        auto writer = pcapng_writer::create(path, link_type::ethernet);
        EXPECT_TRUE(writer) << writer.error();
        for (segment& s : seen) {
            s.header.payload = s.bytes;
            const std::string frame = make_frame(s.header);
            raw_packet packet;
            packet.frame.time = std::chrono::seconds(1'700'000'000) + s.header.frame.time + at.clock;
            packet.original_length = static_cast<std::uint32_t>(frame.size());
            packet.data = frame;
            writer->write(packet);
        }
        writer->flush();
        EXPECT_EQ(writer->error(), "");
        return path;
    }

    std::filesystem::path folder;
};

}  // namespace badorigin::capture::testing
