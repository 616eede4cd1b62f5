#include <gtest/gtest.h>

#include "tests/unit/http/corpus.h"
#include "tests/unit/http/recorder.h"

using namespace badorigin::http;

namespace {

class split : public testing::TestWithParam<sample> {
protected:
    static constexpr reader_limits limits{.header_bytes = 200, .keep_content = 12};

    std::string told(std::vector<std::size_t> cuts) const {
        const sample& given = GetParam();
        reading run{given.side, given.awaited, limits};
        std::string_view rest = given.bytes;
        std::size_t done = 0;
        for (std::size_t cut : cuts) {
            run.read.feed(rest.substr(0, cut - done));
            rest.remove_prefix(cut - done);
            done = cut;
            EXPECT_EQ(run.read.position(), cut);
        }
        run.read.feed(rest);
        EXPECT_EQ(run.read.position(), given.bytes.size());
        run.read.end(given.end);
        EXPECT_EQ(run.heard.open, 0) << run.heard.log;
        EXPECT_TRUE(run.read.idle());
        return run.heard.log;
    }
};

TEST_P(split, in_two_at_every_byte_gives_the_same_messages) {
    std::string whole = told({});
    EXPECT_NE(whole, "");
    for (std::size_t cut = 1; cut < GetParam().bytes.size(); ++cut) ASSERT_EQ(told({cut}), whole) << "cut at " << cut;
}

TEST_P(split, into_single_bytes_gives_the_same_messages) {
    std::vector<std::size_t> cuts;
    for (std::size_t cut = 1; cut < GetParam().bytes.size(); ++cut) cuts.push_back(cut);
    EXPECT_EQ(told(cuts), told({}));
}

TEST_P(split, in_three_gives_the_same_messages) {
    std::string whole = told({});
    std::size_t size = GetParam().bytes.size();
    for (std::size_t first = 1; first + 1 < size; first += 3)
        for (std::size_t second = first + 1; second < std::min(size, first + 8); ++second) ASSERT_EQ(told({first, second}), whole);
}

INSTANTIATE_TEST_SUITE_P(corpus, split, testing::ValuesIn(samples()), [](const auto& given) {
    std::string title = given.param.title;
    for (char& c : title)
        if (!isalnum(static_cast<unsigned char>(c))) c = '_';
    return title;
});

}  // namespace
