// Which transaction of a proxy's own log an exchange is, and what is shown of it.
#include "reports/own_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace badorigin::report {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

using of = std::map<std::string, std::string>;  // lines by proxy

constexpr auto lines = R"(         1 Begin          c sess 0 HTTP/1
         1 SessOpen       c 127.0.0.1 5000 a0 127.0.0.1 8080
         2 Begin          c req 1 rxreq
         2 ReqURL         c /one
         2 VCL_call       c RECV
         3 Begin          b bereq 2 fetch
         3 BackendOpen    b 7 app 127.0.0.1 9001 127.0.0.1 6000 connect
         3 FetchError     b first byte timeout
         0 Backend_health - boot.app Still healthy
         4 Begin          c req 1 rxreq
         4 ReqURL         c /two
         5 Begin          c req 4 restart
         6 Begin          b bereq 5 fetch
         6 BackendReuse   b 7 app 127.0.0.1 9001 127.0.0.1 6000 reuse
         6 BereqURL       b /three
nonsense

 9 9
)";

capture::exchange exchange_on(const std::string& end, std::size_t index) {
    const auto on = std::make_shared<capture::connection>();
    EXPECT_TRUE(capture::endpoint::parse(end, on->client));
    capture::exchange out;
    out.on = on;
    out.index = index;
    return out;
}

TEST(own_log, finds_the_transaction_by_connection_and_place_on_it) {
    const own_log log(of{{"", lines}});
    const auto text = [&](const std::string& end, std::size_t index) { return log.text(exchange_on(end, index), own_log::part::all); };
    EXPECT_THAT(text("127.0.0.1:5000", 0), HasSubstr("ReqURL         /one"));
    EXPECT_THAT(text("127.0.0.1:5000", 1), HasSubstr("ReqURL         /two"));
    EXPECT_THAT(text("127.0.0.1:6000", 0), HasSubstr("FetchError     first byte timeout"));
    EXPECT_THAT(text("127.0.0.1:6000", 1), HasSubstr("BereqURL       /three"));
    EXPECT_EQ(text("127.0.0.1:5000", 2), "");
    EXPECT_EQ(text("127.0.0.1:7000", 0), "");
}

TEST(own_log, shows_beyond_the_packets_what_was_decided_alone) {
    const auto text = own_log(of{{"", lines}}).text(exchange_on("127.0.0.1:5000", 0), own_log::part::beyond_packets);
    EXPECT_THAT(text, HasSubstr("VCL_call       RECV"));
    EXPECT_THAT(text, Not(HasSubstr("ReqURL")));
}

TEST(own_log, does_not_guess_between_connections_that_had_the_same_port) {
    const auto again = "        10 Begin          c sess 0 HTTP/1\n        10 SessOpen       c 127.0.0.1 5000 a0 127.0.0.1 8080\n";
    const own_log log(of{{"", std::string(lines) + again}});
    EXPECT_EQ(log.text(exchange_on("127.0.0.1:5000", 0), own_log::part::all), "");
}

TEST(own_log, of_two_proxies_shows_what_each_has_logged_of_an_exchange_between_them) {
    constexpr auto back = R"(         1 Begin          c sess 0 HTTP/1
         1 SessOpen       c 127.0.0.1 6000 a0 127.0.0.1 9001
         2 Begin          c req 1 rxreq
         2 ReqURL         c /at-the-back
)";
    const own_log log(of{{"front", lines}, {"back", back}});
    const auto between = log.text(exchange_on("127.0.0.1:6000", 0), own_log::part::all);
    EXPECT_THAT(between, HasSubstr("= front's own log, transaction 3 "));
    EXPECT_THAT(between, HasSubstr("= back's own log, transaction 2 "));
    EXPECT_THAT(between, HasSubstr("ReqURL         /at-the-back"));
    EXPECT_THAT(log.text(exchange_on("127.0.0.1:5000", 0), own_log::part::all), Not(HasSubstr("back's own log")));
}

}  // namespace
}  // namespace badorigin::report
