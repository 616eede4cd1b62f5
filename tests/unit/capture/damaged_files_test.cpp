// Captures with damage in the middle: everything behind it is read, nothing is made up, and what is lost is counted.
#include <algorithm>
#include <set>

#include "capture_bytes.h"

namespace badorigin::capture::testing {
namespace {

struct file {
    std::string content;
    std::vector<std::size_t> begins;  // of each record or block with a packet
};

// The last one is so long that no damage before it is mistaken for the file's end.
constexpr int packets_in_all = 61;
std::string payload(int i) {
    if (i == packets_in_all - 1) return std::string(262144, 'z');
    return std::string(static_cast<std::size_t>(40 + i * 7 % 60), static_cast<char>('a' + i % 26)) + std::to_string(i);
}
file many(bool next_generation, bool big) {
    bytes b(big);
    file f;
    if (next_generation)
        b.section().interface(1, 9, 0);
    else
        b.u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(1);
    for (int i = 0; i < packets_in_all; ++i) {
        f.begins.push_back(b.out.size());
        const std::string data = payload(i);
        const auto size = static_cast<std::uint32_t>(data.size());
        if (next_generation)
            b.enhanced(0, 1700000000'000000000 + static_cast<std::uint64_t>(i), data, size);
        else
            b.u32(1700000000 + static_cast<std::uint32_t>(i)).u32(999'999).u32(size).u32(size).raw(data);
    }
    f.content = b.out;
    return f;
}
std::vector<file> of_every_kind() {
    return {many(false, false), many(false, true), many(true, false), many(true, true)};
}

struct reading {
    std::vector<std::string> data;
    capture_losses losses;
    std::string damage;
};
reading read(const std::string& content) {
    reading r;
    auto reader = capture_reader::from_memory(content);
    EXPECT_TRUE(reader);
    if (!reader) return r;
    while (const auto p = reader->next()) r.data.emplace_back(p->data);
    EXPECT_FALSE(reader->next());
    EXPECT_EQ(reader->bytes_read(), content.size());
    r.losses = reader->losses();
    r.damage = reader->damage();
    return r;
}

/// How many of the packets were read as they were written.
std::size_t intact(const reading& r) {
    static const std::set<std::string> written = [] {
        std::set<std::string> all;
        for (int i = 0; i < packets_in_all; ++i) all.insert(payload(i));
        return all;
    }();
    return static_cast<std::size_t>(std::ranges::count_if(r.data, [](const std::string& d) { return written.contains(d); }));
}

TEST(damaged_file, an_overwritten_header_loses_its_packet_and_nothing_else) {
    for (const file& f : of_every_kind()) {
        for (const char with : {'\0', '\xff', 'A'}) {
            std::string content = f.content;
            content.replace(f.begins[20], 12, 12, with);
            const reading r = read(content);
            EXPECT_EQ(r.data.size(), 60u) << r.damage;
            EXPECT_EQ(intact(r), 60u);
            EXPECT_EQ(r.losses.places, 1u);
            EXPECT_EQ(r.losses.first_offset, f.begins[20]);
            EXPECT_EQ(r.losses.bytes, f.begins[21] - f.begins[20]);
        }
    }
}

TEST(damaged_file, each_byte_of_a_header_may_be_wrong) {
    for (const file& f : of_every_kind()) {
        for (std::size_t at = 0; at < 16; ++at) {
            for (const int change : {0xff, 0x80, 0x01}) {
                std::string content = f.content;
                content[f.begins[20] + at] = static_cast<char>(content[f.begins[20] + at] ^ change);
                const reading r = read(content);
                EXPECT_GE(intact(r), 58u) << at << ' ' << r.damage;
                // A block whose type is not known is passed over without a word, as its format demands.
                const bool of_a_type = f.content.starts_with('\x0a') && at < 4;
                EXPECT_TRUE(intact(r) == 61 || r.losses.places > 0 || of_a_type) << at;
            }
        }
    }
}

TEST(damaged_file, bytes_that_were_taken_out_or_put_in_lose_no_more_than_what_they_touch) {
    for (const file& f : of_every_kind()) {
        for (std::size_t at = f.begins[20]; at < f.begins[22]; ++at) {
            for (const std::size_t length : {1u, 7u, 30u, 500u}) {
                const std::size_t touched = static_cast<std::size_t>(std::ranges::count_if(
                    f.begins, [&](std::size_t begin) { return begin + 150 > at && begin < at + length; }));  // records are below 150 bytes
                std::string out = f.content, in = f.content;
                const reading without = read(out.erase(at, length));
                EXPECT_GE(intact(without) + touched + 1, 61u) << at << ' ' << length << ' ' << without.damage;
                EXPECT_GT(without.losses.places, 0u) << at << ' ' << length;
                const reading with = read(in.insert(at, std::string(length, '\x07')));
                EXPECT_GE(intact(with) + 2, 61u) << at << ' ' << length << ' ' << with.damage;
                EXPECT_GT(with.losses.places, 0u) << at << ' ' << length;
            }
        }
    }
}

TEST(damaged_file, every_place_is_counted) {
    for (const file& f : of_every_kind()) {
        std::string content = f.content;
        for (const std::size_t i : {10u, 20u, 30u}) content.replace(f.begins[i], 12, 12, '\xee');
        content.resize(content.size() - 3);
        const reading r = read(content);
        EXPECT_EQ(intact(r), 57u);
        EXPECT_EQ(r.losses.places, 4u);
        EXPECT_EQ(r.losses.first_offset, f.begins[10]);
        std::size_t lost = content.size() - f.begins[60];
        for (const std::size_t i : {10u, 20u, 30u}) lost += f.begins[i + 1] - f.begins[i];
        EXPECT_EQ(r.losses.bytes, lost);
        EXPECT_NE(r.damage.find(", and 3 more places; " + std::to_string(lost) + " bytes are lost"), std::string::npos) << r.damage;
    }
}

TEST(damaged_file, the_sentence_names_the_place) {
    file f = many(true, false);
    f.content[f.begins[20] + 4] = 33;
    EXPECT_EQ(read(f.content).damage, "the block claims 33 bytes, which is no sane length, at byte " + std::to_string(f.begins[20]) + "; " +
                                          std::to_string(f.begins[21] - f.begins[20]) + " bytes are lost");
    f = many(false, false);
    f.content[f.begins[20] + 11] = 33;
    EXPECT_EQ(read(f.content).damage, "packet 21 claims " + std::to_string(33u << 24 | payload(20).size()) +
                                          " bytes, which is no sane length, at byte " + std::to_string(f.begins[20]) + "; " +
                                          std::to_string(f.begins[21] - f.begins[20]) + " bytes are lost");
    EXPECT_EQ(read(f.content.substr(0, f.begins[5] + 17)).damage,
              "the file ends inside packet 6, at byte " + std::to_string(f.begins[5]) + "; 17 bytes are lost");
}

TEST(damaged_file, a_packet_block_that_names_no_interface_is_passed_over) {
    file f = many(true, false);
    f.content[f.begins[7] + 8] = 1;
    const reading r = read(f.content);
    EXPECT_EQ(intact(r), 60u);
    EXPECT_EQ(r.losses.bytes, f.begins[8] - f.begins[7]);
}

TEST(damaged_file, a_capture_that_begins_in_the_middle_of_another_is_found_behind_damage) {
    for (const file& first : of_every_kind()) {
        for (const file& second : of_every_kind()) {
            const reading r = read(first.content.substr(0, first.begins[30] - 5) + std::string(3, '\x55') + second.content);
            EXPECT_EQ(r.losses.places, 1u);
            EXPECT_EQ(r.data.size(), 29u + 61u) << r.damage;
        }
    }
}

TEST(damaged_file, a_part_of_zeros_as_a_crash_leaves_it_is_passed_over) {
    for (const file& f : of_every_kind()) {
        const reading r = read(f.content.substr(0, f.begins[30]) + std::string(300'000, '\0') + f.content.substr(f.begins[30]));
        EXPECT_EQ(intact(r), 61u);
        EXPECT_EQ(r.data.size(), 61u);
        EXPECT_EQ(r.losses.bytes, 300'000u);
        EXPECT_EQ(r.losses.places, 1u);
    }
}

TEST(damaged_file, odd_headers_that_some_programs_write_are_read) {
    bytes b(false);
    b.u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(1);
    b.u32(5).u32(1'000'000).u32(2).u32(2).raw("us");  // a whole second of microseconds
    b.u32(6).u32(0).u32(5).u32(3).raw("wider");       // more captured than on the wire
    b.u32(7).u32(2'000'000).u32(3).u32(1).raw("end");
    const reading r = read(b.out);
    EXPECT_EQ(r.damage, "");
    EXPECT_EQ(r.data, (std::vector<std::string>{"us", "wider", "end"}));
}

TEST(damaged_file, the_search_is_bounded_and_says_so) {
    const file f = many(false, false);
    auto content = f.content.substr(0, f.begins[30]) + std::string(17u << 20, '\0') + f.content.substr(f.begins[30]);
    const reading r = read(content);
    EXPECT_EQ(r.data.size(), 30u);
    EXPECT_EQ(r.losses.bytes, content.size() - f.begins[30]);
    EXPECT_NE(r.damage.find("nothing readable within 16 MiB"), std::string::npos) << r.damage;
}

}  // namespace
}  // namespace badorigin::capture::testing
