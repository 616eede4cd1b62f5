// Capture files, read back whatever wrote them, and broken in every way.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "capture/capture_reader.h"
#include "capture_bytes.h"

namespace badorigin::capture::testing {
namespace {

using namespace std::chrono_literals;

std::string pcap(bool big, bool ns) {
    bytes b(big);
    b.u32(ns ? 0xa1b23c4d : 0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(1);
    b.u32(1700000000).u32(ns ? 123456789 : 123456).u32(5).u32(9).raw("hello");
    return b.u32(1700000001).u32(1).u32(2).u32(2).raw("ab").out;
}

TEST(capture_file, pcap_is_read_in_both_byte_orders_and_resolutions) {
    for (const bool big : {false, true}) {
        for (const bool ns : {false, true}) {
            std::string damage;
            const auto all = packets(pcap(big, ns), &damage);
            ASSERT_EQ(all.size(), 2u) << damage;
            EXPECT_EQ(all[0],
                      std::tuple("hello", 1700000000s + (ns ? nanoseconds(123456789) : nanoseconds(123456000)), 9u, link_type::ethernet));
            EXPECT_EQ(std::get<1>(all[1]), 1700000001s + (ns ? 1ns : 1000ns));
            EXPECT_EQ(damage, "");
        }
    }
}

std::string pcapng(bool big) {
    bytes b(big);
    b.section().interface(1, 9, 0).interface(101, 6, 1000).interface(113, 0x80 | 10, 0);
    b.enhanced(0, 1700000000'123456789, "nanos", 5).enhanced(1, 500'000'001, "micros", 60).enhanced(2, 1024 * 7 + 512, "binary", 6);
    b.u32(3).u32(24).u32(7).text("simple!").u32(24);
    b.u32(2).u32(40).u16(1).u16(0).u32(0).u32(2'000'000).u32(6).u32(6).text("oldest").u32(40);
    b.u32(0x0bad).u32(16).u32(0).u32(16);  // an unknown block
    // A second section: its interfaces are numbered anew.
    return b.section().interface(276, 3, 0).enhanced(0, 5000, "second", 6).out;
}

TEST(capture_file, pcapng_is_read_with_sections_interfaces_and_all_packet_blocks) {
    for (const bool big : {false, true}) {
        std::string damage;
        const auto all = packets(pcapng(big), &damage);
        EXPECT_EQ(damage, "");
        ASSERT_EQ(all.size(), 6u);
        EXPECT_EQ(all[0], std::tuple("nanos", nanoseconds(1700000000'123456789), 5u, link_type::ethernet));
        EXPECT_EQ(all[1], std::tuple("micros", nanoseconds(1500s + 1us), 60u, link_type::raw));
        EXPECT_EQ(all[2], std::tuple("binary", nanoseconds(7500ms), 6u, link_type::linux_sll));
        EXPECT_EQ(all[3], std::tuple("simple!", 0ns, 7u, link_type::ethernet));
        EXPECT_EQ(all[4], std::tuple("oldest", nanoseconds(1002s), 6u, link_type::raw));
        EXPECT_EQ(all[5], std::tuple("second", nanoseconds(5s), 6u, link_type::linux_sll2));
    }
}

TEST(capture_file, sections_may_differ_in_byte_order) {
    const auto all = packets(pcapng(true) + pcapng(false));
    EXPECT_EQ(all.size(), 12u);
}

TEST(capture_file, every_truncation_keeps_the_packets_before_it_and_is_told) {
    // Where a block ends a file may end: nobody can tell that more was meant to come. Every other end is damage.
    constexpr std::size_t ends_of_pcap = 2, ends_of_pcapng = 12;
    for (const auto& [whole, allowed] : {std::pair(pcap(false, true), ends_of_pcap), std::pair(pcap(true, false), ends_of_pcap),
                                         std::pair(pcapng(false), ends_of_pcapng), std::pair(pcapng(true), ends_of_pcapng)}) {
        const auto expected = packets(whole);
        std::size_t told_nothing = 0;
        for (std::size_t size = 0; size < whole.size(); ++size) {
            std::string damage;
            const auto all = packets(whole.substr(0, size), &damage);
            ASSERT_LE(all.size(), expected.size());
            for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], expected[i]);
            if (damage.empty()) ++told_nothing;
        }
        EXPECT_EQ(told_nothing, allowed);
        std::string damage;
        packets(whole.substr(0, whole.size() - 1), &damage);
        EXPECT_TRUE(damage.starts_with("the file ends inside ")) << damage;
    }
}

TEST(capture_file, captures_one_after_the_other_are_read_as_one) {
    const std::string whole = pcap(false, true) + pcap(true, false) + pcapng(true) + pcap(true, true) + pcapng(false) + pcap(false, false);
    std::string damage;
    const auto all = packets(whole, &damage);
    EXPECT_EQ(damage, "");
    ASSERT_EQ(all.size(), 4u * 2u + 2u * 6u);
    EXPECT_EQ(all[0], packets(pcap(false, true))[0]);
    EXPECT_EQ(all[2], packets(pcap(true, false))[0]);
    EXPECT_EQ(all[9], packets(pcapng(true))[5]);
    EXPECT_EQ(all[19], packets(pcap(false, false))[1]);
}

TEST(capture_file, what_is_no_capture_is_refused_with_a_sentence) {
    std::string why;
    packets("GIF89a, certainly", &why);
    EXPECT_EQ(why, "this is neither a pcap nor a pcapng capture");
    EXPECT_EQ(capture_reader::open("no/such/file").error(), "no/such/file: No such file or directory");
    EXPECT_EQ(capture_reader::open("/").error(), "/: reading failed at byte 0: Is a directory");
}

TEST(capture_file, what_is_written_is_read_back_across_the_buffer) {
    const auto file = std::filesystem::path(::testing::TempDir()) / "badorigin-files-test.pcapng";
    std::vector<std::string> written;
    {
        auto writer = pcapng_writer::create(file.string(), link_type::linux_sll2, 4000);
        ASSERT_TRUE(writer) << writer.error();
        for (std::size_t i = 0; i < 300; ++i) {
            written.push_back(std::string(i == 150 ? 3u << 20 : i * 37, static_cast<char>('a' + i % 26)));
            raw_packet p;
            p.data = written.back();
            p.frame.time = nanoseconds(1700000000'000000001 + static_cast<std::int64_t>(i));
            p.original_length = static_cast<std::uint32_t>(p.data.size() + i);
            writer->write(p);
        }
        EXPECT_EQ(writer->written(), 300u);
        EXPECT_EQ(writer->error(), "");
    }
    auto reader = capture_reader::open(file.string());
    ASSERT_TRUE(reader);
    for (std::size_t i = 0; i < written.size(); ++i) {
        const auto p = reader->next();
        ASSERT_TRUE(p) << reader->damage();
        EXPECT_EQ(p->data, written[i]);
        EXPECT_EQ(p->frame.time.count(), 1700000000'000000001 + static_cast<std::int64_t>(i));
        EXPECT_EQ(p->original_length, written[i].size() + i);
        EXPECT_EQ(p->link, link_type::linux_sll2);
    }
    EXPECT_FALSE(reader->next());
    EXPECT_EQ(reader->damage(), "");
    EXPECT_EQ(reader->bytes_read(), std::filesystem::file_size(file));
    EXPECT_EQ(reader->size(), std::filesystem::file_size(file));
    std::filesystem::remove(file);
}

TEST(capture_file, a_full_disk_is_told_and_kept) {
    auto writer = pcapng_writer::create("/dev/full", link_type::ethernet);
    ASSERT_TRUE(writer);
    EXPECT_EQ(writer->error(), "");
    writer->flush();
    EXPECT_EQ(writer->error(), "/dev/full: No space left on device");
    raw_packet p;
    p.data = "x";
    writer->write(p);
    writer->flush();
    EXPECT_EQ(writer->error(), "/dev/full: No space left on device");
    EXPECT_EQ(writer->written(), 0u);
}

}  // namespace
}  // namespace badorigin::capture::testing
