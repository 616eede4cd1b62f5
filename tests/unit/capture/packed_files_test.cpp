// Captures packed with gzip or zstd: the same packets, members and frames one after the other, cut short and damaged.
#include <filesystem>
#include <fstream>

#include <zlib.h>
#include <zstd.h>

#include "capture_bytes.h"

namespace badorigin::capture::testing {
namespace {

std::string gzip(const std::string& content) {
    z_stream s{};
    EXPECT_EQ(deflateInit2(&s, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&s, content.size()) + 64, '\0');
    s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    s.avail_in = static_cast<uInt>(content.size());
    s.next_out = reinterpret_cast<Bytef*>(out.data());
    s.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&s, Z_FINISH), Z_STREAM_END);
    out.resize(s.total_out);
    deflateEnd(&s);
    return out;
}
std::string zstd(const std::string& content) {
    std::string out(ZSTD_compressBound(content.size()), '\0');
    ZSTD_CCtx* with = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(with, ZSTD_c_checksumFlag, 1);
    out.resize(ZSTD_compress2(with, out.data(), out.size(), content.data(), content.size()));
    ZSTD_freeCCtx(with);
    return out;
}

std::string data(std::size_t i) {
    std::string text;
    for (std::size_t n = 0; n < 20 + i % 50; ++n) text += static_cast<char>((i * 7919 + n * n * 31) >> 3);
    return text;
}
std::string capture_of(std::size_t from, std::size_t to) {
    bytes b(false);
    b.u32(0xa1b23c4d).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(1);
    for (std::size_t i = from; i < to; ++i) {
        const auto size = static_cast<std::uint32_t>(data(i).size());
        b.u32(1700000000).u32(static_cast<std::uint32_t>(i)).u32(size).u32(size).raw(data(i));
    }
    return b.out;
}

constexpr std::size_t all_packets = 3000;
using packing = std::string (*)(const std::string&);
constexpr packing packings[] = {gzip, zstd};

TEST(packed_file, the_packets_are_those_of_the_plain_file) {
    const std::string plain = capture_of(0, all_packets);
    const auto expected = packets(plain);
    ASSERT_EQ(expected.size(), all_packets);
    for (const packing pack : packings) {
        std::string damage;
        EXPECT_EQ(packets(pack(plain), &damage), expected);
        EXPECT_EQ(damage, "");
    }
}

TEST(packed_file, members_and_frames_follow_each_other_wherever_the_capture_was_divided) {
    const std::string plain = capture_of(0, 200);
    const auto expected = packets(plain);
    const std::string skippable("\x53\x2a\x4d\x18\x03\0\0\0abc", 11);
    for (std::size_t at = 0; at <= plain.size(); at += 397) {
        const std::string front = plain.substr(0, at), back = plain.substr(at);
        for (const std::string& file :
             {gzip(front) + gzip(back), zstd(front) + zstd(back), skippable + zstd(front) + skippable + gzip(back)}) {
            std::string damage;
            EXPECT_EQ(packets(file, &damage), expected) << at;
            EXPECT_EQ(damage, "") << at;
        }
    }
}

TEST(packed_file, captures_packed_one_by_one_are_read_as_one) {
    for (const packing pack : packings) {
        std::string damage;
        EXPECT_EQ(packets(pack(capture_of(0, 50)) + pack(capture_of(50, 100)), &damage).size(), 100u);
        EXPECT_EQ(damage, "");
    }
}

TEST(packed_file, every_truncation_is_told_and_read_as_far_as_it_goes) {
    const auto expected = packets(capture_of(0, 200));
    for (const packing pack : packings) {
        const std::string whole = pack(capture_of(0, 200));
        for (std::size_t size = 4; size < whole.size(); size += 11) {
            std::string damage;
            const auto all = packets(whole.substr(0, size), &damage);
            ASSERT_LE(all.size(), expected.size());
            for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], expected[i]);
            EXPECT_NE(damage, "") << size;
            const bool told = damage.find("data end too early, at byte " + std::to_string(size)) != std::string::npos;
            EXPECT_TRUE(told || all.empty()) << damage;
        }
    }
}

TEST(packed_file, behind_a_damaged_member_the_next_one_is_read) {
    for (const packing pack : packings) {
        const std::string first = pack(capture_of(0, 500)), second = pack(capture_of(500, 1000));
        std::size_t survived = 0;
        for (std::size_t at = 30; at < first.size(); at += 211) {
            std::string broken = first;
            broken[at] = static_cast<char>(broken[at] ^ 0x5a);
            broken += second;
            auto reader = capture_reader::from_memory(broken);
            ASSERT_TRUE(reader) << at;
            std::size_t behind = 0;
            const auto expected = packets(capture_of(500, 1000));
            while (const auto p = reader->next())
                if (behind < 500 && p->frame.time == std::get<1>(expected[behind]) && p->data == std::get<0>(expected[behind])) ++behind;
            EXPECT_GE(reader->losses().places, 1u) << at;
            survived += behind;
        }
        EXPECT_EQ(survived, (first.size() - 30 + 210) / 211 * 500);
    }
}

TEST(packed_file, what_follows_the_packed_data_is_told) {
    std::string damage;
    const std::string packed = gzip(capture_of(0, 3));
    EXPECT_EQ(packets(packed + "and then?", &damage).size(), 3u);
    EXPECT_EQ(damage, "what stands at byte " + std::to_string(packed.size()) + " of the file is neither gzip nor zstd; 9 bytes are lost");
}

TEST(packed_file, a_frame_that_wants_too_much_memory_is_refused) {
    // Magic, a descriptor that asks for a window (single segment off), window descriptor 2^(10 + 31).
    std::string damage;
    packets(std::string("\x28\xb5\x2f\xfd\x00\xf8", 6) + std::string(64, 'x'), &damage);
    EXPECT_NE(damage.find("Frame requires too much memory"), std::string::npos) << damage;
}

TEST(packed_file, files_are_recognised_by_their_first_bytes_and_tell_how_far_they_are_read) {
    const auto name = (std::filesystem::path(::testing::TempDir()) / "badorigin-packed-test.pcap").string();
    for (const packing pack : packings) {
        // More than the buffers hold, and hard to pack.
        std::string plain = capture_of(0, all_packets);
        while (plain.size() < 3u << 20) plain += capture_of(0, all_packets);
        const std::string packed = pack(plain);
        std::ofstream(name, std::ios::binary) << packed;
        auto reader = capture_reader::open(name);
        ASSERT_TRUE(reader) << reader.error();
        EXPECT_EQ(reader->size(), packed.size());
        std::size_t count = 0;
        std::uint64_t before = 0;
        while (reader->next()) {
            ++count;
            EXPECT_GE(reader->bytes_read(), before);
            before = reader->bytes_read();
        }
        EXPECT_EQ(count, packets(plain).size());
        EXPECT_EQ(reader->bytes_read(), packed.size());
        EXPECT_EQ(reader->damage(), "");
    }
    std::ofstream(name, std::ios::binary) << gzip(capture_of(0, 3)).substr(0, 15);
    EXPECT_EQ(capture_reader::open(name).error(), name + ": the gzip data end too early, at byte 15 of the file");
    std::filesystem::remove(name);
}

}  // namespace
}  // namespace badorigin::capture::testing
