// The joiner that works without tokens against the one that has them: on all bundled scenarios, on the bundled cache and on varnish.
//
// The suite makes the bundles. Of each a copy is read in which tokens and serials are blotted out on the wire (same length, so that nothing
// else changes), and every exchange of the origin leg is compared: a wrong join that claims to be certain is an error, and so is a suite
// where too few are found again.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "capture/capture_reader.h"
#include "capture/foreign.h"

namespace badorigin::capture::testing {
namespace {

namespace fs = std::filesystem;

/// Makes each line of that field one that no joiner compares, of the same length.
void blot_out(std::string& bytes, std::string_view name) {
    constexpr std::string_view instead = "Pragma:";
    for (auto at = bytes.find(name); at != bytes.npos; at = bytes.find(name, at)) {
        const auto end = std::min(bytes.find('\r', at), bytes.size());
        std::string line(instead);
        line.resize(end - at, 'x');
        bytes.replace(at, end - at, line);
    }
}

using names = std::vector<std::string_view>;

/// What a copy leaves out, and whether it is split: the client leg in one file, the rest in another whose clock is an hour ahead.
struct copying {
    names without;
    bool split = false;
};

/// The copies' paths.
std::vector<std::string> copy(const evidence& staged, const fs::path& packets, const copying& how, const fs::path& to) {
    std::vector<std::string> paths = {to / "client.pcapng"};
    if (how.split) paths.push_back(to / "origin.pcapng");
    std::vector<pcapng_writer> writers;
    for (const std::string& path : paths) {
        auto made = pcapng_writer::create(path, link_type::ethernet);
        EXPECT_TRUE(made) << made.error();
        writers.push_back(std::move(*made));
    }
    auto reader = capture_reader::open(packets.string());
    EXPECT_TRUE(reader) << reader.error();
    const auto is_proxy = [&](const endpoint& e) {
        const auto role = staged.manifest.roles.find(e.text());
        return role != staged.manifest.roles.end() && role->second.starts_with("proxy");
    };
    while (auto packet = reader->next()) {
        tcp_segment tcp;
        udp_datagram udp;
        const bool other_side = how.split && decode(*packet, tcp, udp) == decoded::tcp && !is_proxy(tcp.from) && !is_proxy(tcp.to);
        std::string bytes(packet->data);
        for (const std::string_view name : how.without) blot_out(bytes, name);
        packet->data = bytes;
        if (other_side) packet->frame.time += std::chrono::hours(1);
        writers[other_side].write(*packet);
    }
    for (pcapng_writer& w : writers) {
        w.flush();
        EXPECT_EQ(w.error(), "");
    }
    return paths;
}

struct score {
    std::size_t joined = 0, found = 0, ambiguous = 0, lost = 0;  // in truth; and what became of them
    std::size_t wrong = 0, wrong_certain = 0, certain = 0;
    std::size_t delivered = 0, delivered_right = 0, delivered_wrong = 0;
    std::map<std::string, std::pair<std::size_t, std::size_t>> by;  // right, wrong
    std::vector<std::string> complaints;

    static double share(std::size_t part, std::size_t whole) {
        return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
    }
    double recall() const { return share(found, joined); }
    double precision() const { return share(found, found + wrong); }
    std::string text() const {
        std::string all = fmt::format(
            "{} exchanges of the origin leg have a client: {} found again (recall {:.3f}, precision {:.3f}), {} ambiguous, {} lost; {} "
            "joined "
            "wrongly; {} certain, {} of them wrong\n{} deliveries: {} found again, {} wrong\n",
            joined, found, recall(), precision(), ambiguous, lost, wrong, certain, wrong_certain, delivered, delivered_right,
            delivered_wrong);
        for (const auto& [how, n] : by) all += fmt::format("  {:32} {:5} right {:4} wrong\n", how, n.first, n.second);
        for (const std::string& c : complaints) all += "  " + c + '\n';
        return all;
    }
};

struct join_of_an_exchange {
    exchange_ptr client;  // null: none
    confidence how = confidence::certain;
    std::string_view by;
};

/// The same in every copy: where its request begins in its connection. Empty: no request.
std::string place_of(const exchange_ptr& e) {
    if (!e || !e->request) return {};
    return fmt::format("{} to {} byte {}", e->on->client.text(), e->on->server.text(),
                       e->on->client_sequence + static_cast<std::uint32_t>(e->request->message.begin));
}

std::map<std::string, join_of_an_exchange> joins(const evidence& all) {
    std::map<std::string, join_of_an_exchange> found;
    for (const transaction& t : all.transactions)
        for (const fetch& f : t.fetches)
            for (const exchange_ptr& e : f.attempts) found[place_of(e)] = {t.client, f.joined, f.by};
    return found;
}

void compare_joins(const std::string& name, const evidence& staged, const evidence& without, score& all) {
    std::map<std::string, bool> has_token;
    for (const exchange_ptr& e : staged.exchanges) has_token[place_of(e)] = !e->token.empty();
    const auto found = joins(without);
    for (const auto& [place, truth] : joins(staged)) {
        if (place.empty()) continue;
        const auto at = found.find(place);
        const join_of_an_exchange guess = at == found.end() ? join_of_an_exchange{} : at->second;
        all.joined += truth.client != nullptr;
        if (!guess.client) {
            if (!truth.client) continue;
            ++(guess.how == confidence::ambiguous ? all.ambiguous : all.lost);
            all.complaints.push_back(fmt::format("{}, {}: {}", name, place, guess.how == confidence::ambiguous ? "ambiguous" : "lost"));
            continue;
        }
        // Raw requests go without a token: what they caused is not known.
        if (!truth.client && !has_token[place_of(guess.client)]) continue;
        const bool right = place_of(guess.client) == place_of(truth.client);
        auto& tally = all.by[fmt::format("{} {}", capture::name(guess.how), guess.by)];
        ++(right ? tally.first : tally.second);
        ++(right ? all.found : all.wrong);
        if (guess.how == confidence::certain) ++all.certain;
        if (right) continue;
        if (guess.how == confidence::certain) ++all.wrong_certain;
        all.complaints.push_back(fmt::format("{}, {}: joined {} by {} to {}, was caused by {}", name, place, capture::name(guess.how),
                                             guess.by, place_of(guess.client), place_of(truth.client)));
    }
}

void compare_deliveries(const std::string& name, const evidence& staged, const evidence& without, score& all) {
    std::map<std::string, std::string> found, serials;
    for (const transaction& t : without.transactions)
        if (t.client && t.delivered_from) found[place_of(t.client)] = place_of(t.delivered_from);
    for (const exchange_ptr& e : staged.exchanges) serials[place_of(e)] = e->serial;
    for (const transaction& t : staged.transactions) {
        if (!t.client) continue;
        const auto at = found.find(place_of(t.client));
        const std::string guess = at == found.end() ? std::string() : at->second;
        // Raw requests carry no token and raw responses no serial: what these brought is not known.
        if (!t.delivered_from && (t.client->token.empty() || (!guess.empty() && serials[guess].empty()))) continue;
        all.delivered += t.delivered_from != nullptr;
        if (guess == place_of(t.delivered_from)) {
            all.delivered_right += t.delivered_from != nullptr;
            continue;
        }
        all.delivered_wrong += !guess.empty();
        all.complaints.push_back(
            fmt::format("{}, {}: delivered from {}, found {}", name, place_of(t.client), place_of(t.delivered_from), guess));
    }
}

void compare(const fs::path& bundle, const copying& how, const fs::path& scratch, score& all) {
    const auto staged = read_bundle(bundle.string());
    ASSERT_TRUE(staged) << staged.error();
    const auto read = read_foreign(copy(*staged, bundle / "packets.pcapng", how, scratch));
    ASSERT_TRUE(read) << read.error();
    const std::string name = (bundle.parent_path().filename() / bundle.filename()).string();
    for (const exchange_ptr& e : read->evidence.exchanges) EXPECT_TRUE(e->token.empty() && e->serial.empty()) << name;
    const bool jumped = std::ranges::find(staged->markers, marker::kind::clock, &marker::kind) != staged->markers.end();
    EXPECT_EQ(read->evidence.manifest.virtual_time, jumped) << name;
    compare_joins(name, *staged, read->evidence, all);
    compare_deliveries(name, *staged, read->evidence, all);
}

/// The bundles of a whole suite; made before (BADORIGIN_BUNDLES/PROXY) or made now.
class joined_without_tokens : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "badorigin-joining-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    void make_bundles(const std::string& proxy) {
        if (const char* made = std::getenv("BADORIGIN_BUNDLES")) {
            bundles = fs::path(made) / proxy;
            return;
        }
        bundles = folder / proxy;
        const std::string command =
            fmt::format("'{}/badorigin' run '{}/scenarios' --proxy {} --keep-evidence always --out '{}' > '{}/log' 2>&1",
                        BADORIGIN_BUILD_DIR, BADORIGIN_SOURCE_DIR, proxy, bundles.string(), folder.string());
        const int status = std::system(command.c_str());
        ASSERT_TRUE(WIFEXITED(status)) << command;
        ASSERT_THAT(WEXITSTATUS(status), ::testing::AnyOf(0, 1, 3)) << command;
    }
    score compare_suite(const std::string& what, const copying& how) {
        score all;
        std::size_t n = 0;
        for (const auto& entry : fs::recursive_directory_iterator(bundles)) {
            if (entry.path().filename() != "packets.pcapng") continue;
            const auto suite = entry.path().parent_path().parent_path().filename();
            if (suite == "tiers") continue;  // joined as of one proxy without its manifest
            if (suite == "pages") continue;  // without tokens nothing tells for which page an include is fetched (docs/limits.md)
            compare(entry.path().parent_path(), how, folder, all);
            ++n;
        }
        std::printf("%s, %zu bundles\n%s\n", what.c_str(), n, all.text().c_str());
        EXPECT_GE(n, 60u) << bundles;
        EXPECT_EQ(all.wrong_certain, 0u) << what;
        EXPECT_GE(all.precision(), 0.98) << what;
        return all;
    }
    void check(const std::string& proxy) {
        make_bundles(proxy);
        const score ids_left = compare_suite(proxy, {{token_field, serial_field}});
        EXPECT_GE(ids_left.recall(), 0.97);
        EXPECT_EQ(ids_left.delivered_wrong, 0u);
        const score nothing_left = compare_suite(proxy + " without X-Varnish", {{token_field, serial_field, "X-Varnish"}});
        EXPECT_GE(nothing_left.recall(), 0.9);
        const score split = compare_suite(proxy + " in two files, an hour apart", {{token_field, serial_field}, true});
        EXPECT_GE(split.recall(), 0.9);
    }

    fs::path folder, bundles;
};

TEST_F(joined_without_tokens, the_bundled_caches_certain_joins_are_right_and_nearly_all_are_found) {
    check("bundled");
}

TEST_F(joined_without_tokens, varnishs_certain_joins_are_right_and_nearly_all_are_found) {
    if (std::system("command -v varnishd > /dev/null") != 0) GTEST_SKIP() << "varnishd is not installed";
    check("varnish");
}

}  // namespace
}  // namespace badorigin::capture::testing
