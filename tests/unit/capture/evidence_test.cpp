#include "capture/evidence.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "capture/capture_reader.h"
#include "capture/evidence_writer.h"
#include "capture/frame_maker.h"
#include "capture/tap.h"
#include "conversation.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::TempDir;

const endpoint client = ends("127.0.0.1:50000"), proxy = ends("127.0.0.1:8080"), outbound = ends("127.0.0.1:50500"),
               origin = ends("127.0.0.1:9001");

/// A bundle written through the tap: a client, the proxy, an origin.
class evidence_of_a_run : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = TempDir() + "badorigin-evidence-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        about.scenario = "a/b";
        about.evidence = evidence_kind::tap;
        about.virtual_time = true;
        about.roles = {{proxy.text(), "proxy"}, {origin.text(), "origin:app"}};
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    std::string token(const std::string& t) { return "Badorigin-Token: " + t + "\r\n"; }
    std::string serial(const std::string& s) { return "Badorigin-Serial: " + s + "\r\n"; }

    /// One transaction with a failed attempt, a probe, a clock jump; `marks` may lose some.
    void record(const std::vector<std::uint32_t>& lost_markers = {}) {
        auto t = tap::create(folder + "/packets.pcapng", [this] { return now += 1ms; });
        ASSERT_TRUE(t) << t.error();
        tap& w = **t;
        const auto mark = [&](enum marker::kind kind, nanoseconds clock) {
            marker m;
            m.kind = kind;
            m.clock = clock;
            if (std::ranges::find(lost_markers, next_marker) != lost_markers.end()) {
                m.kind = marker::kind::note;
                w.mark(m, "of another run");
            } else {
                w.mark(m, "nonce");
            }
            ++next_marker;
        };
        mark(marker::kind::start, 0ns);
        const auto c = w.opened(client, proxy);
        w.data(c, http::direction::request, get("/x", token("t1")));
        const auto o = w.opened(outbound, origin);
        w.data(o, http::direction::request, get("/x", token("t1")));
        w.rst(o, http::direction::response);
        const auto o2 = w.opened(ends("127.0.0.1:50501"), origin);
        w.data(o2, http::direction::request, get("/x", token("t1")));
        w.data(o2, http::direction::response, ok("fine", serial("s1")));
        w.data(c, http::direction::response, ok("fine", serial("s1")));
        mark(marker::kind::clock, 30s);
        w.data(o2, http::direction::request, get("/probe"));
        w.data(o2, http::direction::response, ok("alive"));
        w.data(c, http::direction::request, get("/x", token("t2")));
        w.data(c, http::direction::response, ok("fine", serial("s1")));
        w.fin(c, http::direction::request);
        w.fin(c, http::direction::response);
        w.refused(ends("127.0.0.1:50502"), origin);
        mark(marker::kind::stop, 30s);
        w.flush();
        EXPECT_EQ(w.error(), "");
        received_by_us = {
            {client, proxy, 2 * ok("fine", serial("s1")).size(), true, false},
            {origin, outbound, get("/x", token("t1")).size(), false, false},
            {origin, ends("127.0.0.1:50501"), (get("/x", token("t1")) + get("/probe")).size(), false, false},
        };
    }
    void write() {
        ASSERT_TRUE(write_manifest(folder, about));
        ASSERT_TRUE(write_received(folder, received_by_us));
        ASSERT_TRUE(
            write_vitals(folder, {{"start", 1ms, 2ms, 3us, 3, 4, 5, true, ""}, {"end", 10ms, 20ms, 30us, 30, 40, 50, false, "exit 1"}}));
    }
    evidence read() {
        auto all = read_bundle(folder);
        EXPECT_TRUE(all) << all.error();
        return all ? std::move(*all) : evidence{};
    }

    std::string folder;
    manifest about;
    std::vector<received> received_by_us;
    nanoseconds now = 1700000000s;
    std::uint32_t next_marker = 0;
};

TEST_F(evidence_of_a_run, whole_evidence_is_complete_and_joined) {
    record();
    write();
    const evidence all = read();
    EXPECT_EQ(all.incomplete, std::vector<std::string>());
    EXPECT_EQ(all.connections.size(), 4u);
    EXPECT_EQ(all.exchanges.size(), 5u);
    EXPECT_EQ(all.frames, 37u);
    ASSERT_EQ(all.transactions.size(), 3u);
    const transaction& first = all.transactions[0];
    EXPECT_EQ(first.client->token, "t1");
    ASSERT_EQ(first.fetches.size(), 1u);
    ASSERT_EQ(first.fetches[0].attempts.size(), 2u);
    EXPECT_FALSE(first.fetches[0].attempts[0]->answered());
    EXPECT_EQ(first.delivered_from, first.fetches[0].attempts[1]);
    EXPECT_EQ(first.client->on->server_name, "proxy");
    EXPECT_TRUE(all.transactions[1].fetches.empty());
    EXPECT_EQ(all.transactions[1].delivered_from, first.delivered_from);
    EXPECT_EQ(all.transactions[2].kind, transaction::kind::probe_or_unasked);
    EXPECT_EQ(all.transactions[2].client, nullptr);
    EXPECT_EQ(all.transactions[2].fetches[0].attempts[0]->request->message.target, "/probe");
    ASSERT_EQ(all.vitals.size(), 2u);
    EXPECT_EQ(all.vitals[1].exit, "exit 1");
    EXPECT_EQ(all.vitals[1].cpu, 20ms);
    EXPECT_EQ(all.vitals[1].starved, 30us);
    EXPECT_FALSE(all.vitals[1].alive);
    EXPECT_EQ(all.manifest.scenario, "a/b");
    EXPECT_EQ(all.manifest.roles, about.roles);
    ASSERT_EQ(all.received.size(), 3u);
    EXPECT_TRUE(all.received[0].fin);
}

TEST_F(evidence_of_a_run, the_clock_follows_its_markers_or_the_packets) {
    record();
    write();
    const evidence jumps = read();
    EXPECT_EQ(jumps.clock_at(jumps.transactions[0].client->response->first), 0s);
    EXPECT_EQ(jumps.clock_at(jumps.transactions[1].client->request->first), 30s);
    about.virtual_time = false;
    write();
    const evidence real = read();
    const frame_ref at = real.transactions[1].client->request->first;
    EXPECT_EQ(real.clock_at(at), at.time - (1700000000s + 1ms));
    EXPECT_GT(real.clock_at(at), 0ns);
}

TEST_F(evidence_of_a_run, each_lost_marker_makes_it_incomplete) {
    for (std::uint32_t lost = 0; lost < 3; ++lost) {
        next_marker = 0;
        record({lost});
        write();
        EXPECT_FALSE(read().incomplete.empty()) << lost;
    }
}

TEST_F(evidence_of_a_run, kernel_drops_make_it_incomplete) {
    record();
    about.kernel_drops = 3;
    write();
    EXPECT_EQ(read().incomplete, std::vector<std::string>{"The kernel dropped 3 packets of the capture."});
}

TEST_F(evidence_of_a_run, a_byte_received_but_not_seen_makes_it_incomplete) {
    record();
    for (auto& r : received_by_us) {
        ++r.bytes;
        write();
        EXPECT_EQ(read().incomplete.size(), 1u);
        r.bytes -= 2;  // one less than seen: our socket was closed early
        write();
        EXPECT_TRUE(read().incomplete.empty());
        ++r.bytes;
    }
}

TEST_F(evidence_of_a_run, an_end_received_but_not_seen_makes_it_incomplete) {
    record();
    received_by_us[1].fin = true;
    received_by_us[2].rst = true;
    write();
    EXPECT_EQ(read().incomplete.size(), 2u);
}

TEST_F(evidence_of_a_run, a_connection_of_ours_that_was_not_seen_makes_it_incomplete) {
    record();
    received_by_us.push_back({client, proxy, 0, false, false});  // the port pair a second time
    received_by_us.push_back({ends("127.0.0.1:1"), proxy, 0, false, false});
    write();
    EXPECT_EQ(read().incomplete.size(), 2u);
}

TEST_F(evidence_of_a_run, a_cut_file_makes_it_incomplete_and_is_read_as_far_as_it_goes) {
    record();
    write();
    const auto file = std::filesystem::path(folder) / packets_file;
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 7);
    const evidence all = read();
    EXPECT_EQ(all.exchanges.size(), 5u);
    ASSERT_FALSE(all.incomplete.empty());
    EXPECT_TRUE(all.incomplete[0].starts_with("The capture is damaged: ")) << all.incomplete[0];
}

/// The property that claims of absence rest on: whichever frame with payload is taken out of the file, the evidence is not complete.
TEST_F(evidence_of_a_run, every_frame_with_payload_that_is_taken_out_makes_it_incomplete) {
    record();
    write();
    const std::string file = folder + '/' + packets_file;
    std::filesystem::copy_file(file, file + ".whole");
    std::size_t removed = 0, frames = read().frames;
    for (frame_number out = 1; out <= frames; ++out) {
        auto from = capture_reader::open(file + ".whole");
        ASSERT_TRUE(from);
        bool payload = false;
        {
            auto to = pcapng_writer::create(file, link_type::ethernet);
            ASSERT_TRUE(to);
            while (const auto p = from->next()) {
                tcp_segment tcp;
                udp_datagram udp;
                const decoded what = decode(*p, tcp, udp);
                if (p->frame.number != out)
                    to->write(*p);
                else
                    payload = what == decoded::udp || !tcp.payload.empty();
            }
        }
        if (!payload) continue;
        ++removed;
        EXPECT_FALSE(read().incomplete.empty()) << "frame " << out;
    }
    EXPECT_EQ(removed, 3u + 9u);
}

TEST_F(evidence_of_a_run, a_capture_alone_needs_no_markers) {
    record();
    manifest of_a_file;
    of_a_file.evidence = evidence_kind::file;
    const auto all = read_capture(folder + '/' + packets_file, of_a_file);
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->incomplete.empty());
    EXPECT_EQ(all->transactions.size(), 5u);  // legs are unknown: each exchange for itself
    EXPECT_EQ(all->exchanges[0]->leg(), leg::unknown);
}

TEST_F(evidence_of_a_run, what_is_missing_or_malformed_is_named) {
    EXPECT_EQ(read_bundle(folder).error(), folder + "/manifest.json: No such file or directory");
    record();
    write();
    std::ofstream(folder + "/vitals.json") << "[{\"step\": 5}]";
    EXPECT_TRUE(read_bundle(folder).error().starts_with(folder + "/vitals.json: "));
    write();
    std::ofstream(folder + "/received.json") << "[{\"local\": \"nowhere\", \"remote\": \"127.0.0.1:1\"}]";
    EXPECT_NE(read_bundle(folder).error().find("\"nowhere\" is no address and port"), std::string::npos);
    std::filesystem::remove(folder + "/received.json");
    EXPECT_EQ(read().incomplete.size(), 1u);
    std::ofstream(folder + "/manifest.json") << "{";
    EXPECT_EQ(read_bundle(folder).error(), folder + "/manifest.json is no JSON");
    about.format = 99;
    write();
    EXPECT_EQ(read_bundle(folder).error(), folder + "/manifest.json has format 99; this program reads up to 1");
}

TEST_F(evidence_of_a_run, errors_of_writing_name_the_file) {
    EXPECT_EQ(write_manifest(folder + "/none", about).error(), folder + "/none/manifest.json: No such file or directory");
    // The file beside is a full device: nothing is left of the attempt.
    std::filesystem::create_symlink("/dev/full", folder + "/manifest.json.new");
    EXPECT_EQ(write_manifest(folder, about).error(), folder + "/manifest.json: No space left on device");
    EXPECT_FALSE(std::filesystem::exists(folder + "/manifest.json"));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(folder + "/manifest.json.new")));
}

/// A second implementation agrees that the tap's packets are ordinary HTTP over TCP.
TEST_F(evidence_of_a_run, tshark_reads_the_tap_as_normal) {
    record();
    const std::string out = folder + "/out";
    const std::string command =
        "tshark -n -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -d tcp.port==9001,http -d tcp.port==8080,http -r " + folder +
        "/packets.pcapng -T fields -e http.request.uri -e http.response.code -e _ws.expert.message > " + out + " 2> " + folder + "/err";
    const int status = std::system(command.c_str());
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "tshark is needed";
    std::ifstream in(out);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto count = [&](const std::string& what) {
        std::size_t n = 0;
        for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
        return n;
    };
    EXPECT_EQ(count("/probe\t"), 1u) << text;
    EXPECT_EQ(count("\t200\t"), 4u) << text;
    for (const char* wrong : {"previous segment", "retransmission", "Bad checksum", "out-of-order", "unseen segment", "Malformed"})
        EXPECT_EQ(count(wrong), 0u) << wrong << '\n' << text;
}

TEST(marker, what_is_written_is_read) {
    marker m;
    m.kind = marker::kind::stop;
    m.number = 7;
    m.nonce = "n";
    m.clock = 1234567890123ns;
    m.wall = 5s;
    m.text = "a \"step\"\n\xff";
    m.total = 8;
    const auto read = marker::parse(m.payload());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->kind, marker::kind::stop);
    EXPECT_EQ(read->number, 7u);
    EXPECT_EQ(read->nonce, "n");
    EXPECT_EQ(read->clock, m.clock);
    EXPECT_EQ(read->wall, m.wall);
    EXPECT_EQ(read->total, 8u);
    EXPECT_EQ(read->text, "a \"step\"\n\xef\xbf\xbd");
    for (const char* wrong :
         {"", "badorigin-marker ", "badorigin-marker []", "badorigin-marker {\"kind\":\"none\"}", "badorigin-marker {\"kind\":1}",
          "badorigin-marker {\"kind\":\"note\",\"number\":\"x\"}", "other {\"kind\":\"note\"}"})
        EXPECT_FALSE(marker::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace badorigin::capture::testing
