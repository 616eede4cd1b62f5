#include <gtest/gtest.h>

#include "fake-backends/framing.h"
#include "fake-backends/proxy_header.h"
#include "http/proxy_header.h"

namespace badorigin::peers {
namespace {

using side = wire_reader::side;

TEST(Framing, every_split_gives_the_same_messages) {
    const std::string wire =
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\nT: v\r\n\r\n"
        "GET /c HTTP/1.0\r\n\r\n";
    for (std::size_t at = 0; at <= wire.size(); ++at) {
        wire_reader reader(side::requests);
        reader.feed(std::string_view(wire).substr(0, at));
        reader.feed(std::string_view(wire).substr(at));
        ASSERT_EQ(reader.complete(), 3u) << at;
        EXPECT_EQ(reader.take_request().target, "/a");
        const auto second = reader.take_request();
        EXPECT_EQ(second.target, "/b");
        EXPECT_TRUE(second.body_announced);
        const auto third = reader.take_request();
        EXPECT_EQ(third.version, "1.0");
        EXPECT_FALSE(third.body_announced);
        EXPECT_TRUE(reader.idle());
        EXPECT_TRUE(reader.last_message());
    }
}

TEST(Framing, a_proxy_header_before_the_first_request_is_passed_over) {
    for (const char* text :
         {"1 192.0.2.1 4321 198.51.100.1 80", "2 192.0.2.1 4321 198.51.100.1 80", "2 2001:db8::1 4321 2001:db8::2 80", "1 -", "2 -"}) {
        const auto header = proxy_header_bytes(text);
        ASSERT_TRUE(header) << text;
        EXPECT_EQ(http::read_proxy_header(*header).text(), text);
        const std::string wire = *header + "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        for (std::size_t at = 0; at <= wire.size(); ++at) {
            wire_reader reader(side::requests);
            reader.feed(std::string_view(wire).substr(0, at));
            EXPECT_EQ(reader.idle(), at == 0 || at == header->size() || at == wire.size()) << at;
            reader.feed(std::string_view(wire).substr(at));
            ASSERT_EQ(reader.complete(), 1u) << text << ' ' << at;
            EXPECT_EQ(reader.take_request().target, "/a");
        }
    }
    for (const char* wrong : {"", "3 -", "1", "1 192.0.2.1 4321 198.51.100.1", "1 192.0.2.1 4321 2001:db8::2 80", "1 here 1 there 2",
                              "2 192.0.2.1 99999 198.51.100.1 80"})
        EXPECT_FALSE(proxy_header_bytes(wrong)) << wrong;
}

TEST(Framing, what_is_no_request_is_broken) {
    for (const char* wire :
         {"GET /\r\n\r\n", "nonsense\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
          "GET / HTTP/1.1\r\nTransfer-Encoding: what\r\n\r\n", "\x16\x03\x01\n",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        wire_reader reader(side::requests);
        reader.feed(wire);
        EXPECT_TRUE(reader.broken()) << wire;
        EXPECT_EQ(reader.complete(), 0u) << wire;
    }
}

TEST(Framing, a_body_may_have_any_number_of_chunks) {
    wire_reader reader(side::requests);
    reader.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string chunks;
    for (int i = 0; i < 1'000'000; ++i) chunks += "1\r\nx\r\n";
    reader.feed(chunks);
    reader.feed("0\r\n\r\n");
    EXPECT_EQ(reader.complete(), 1u);
    EXPECT_FALSE(reader.broken());
}

TEST(Framing, an_unfinished_request_is_neither_idle_nor_complete) {
    wire_reader reader(side::requests);
    reader.feed("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell");
    EXPECT_EQ(reader.heads(), 1u);
    EXPECT_EQ(reader.complete(), 0u);
    EXPECT_FALSE(reader.idle());
}

std::size_t responses(std::string method, std::string_view wire, bool fin = false) {
    wire_reader reader(side::responses);
    reader.expect(std::move(method));
    reader.feed(wire);
    if (fin) reader.end();
    return reader.complete();
}

TEST(Framing, responses_end_as_their_request_and_status_say) {
    EXPECT_EQ(responses("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), 1u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), 0u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"), 1u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 204 No Content\r\n\r\n"), 1u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 103 Early Hints\r\n\r\n"), 0u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 1u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), 0u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), 1u);
}

TEST(Framing, a_response_without_length_ends_with_its_connection) {
    EXPECT_EQ(responses("GET", "HTTP/1.1 200 OK\r\n\r\nbody"), 0u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 200 OK\r\n\r\nbody", true), 1u);
    EXPECT_EQ(responses("GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody", true), 0u);
    EXPECT_EQ(responses("GET", "<html>no header</html>\n", true), 0u);
}

}  // namespace
}  // namespace badorigin::peers
