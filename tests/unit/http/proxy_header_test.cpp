// What may stand before the first request of a connection.
#include "http/proxy_header.h"

#include <gtest/gtest.h>

using namespace badorigin::http;
using found = proxy_header::found;
using namespace std::string_literals;

namespace {

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string four = "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\x10\xe1\0\x50"s;

TEST(proxy_header, says_who_the_client_is) {
    const std::pair<std::string, std::string> whole[] = {
        {"PROXY TCP4 192.0.2.1 198.51.100.1 4321 80\r\n", "1 192.0.2.1 4321 198.51.100.1 80"},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 4321 80\r\n", "1 2001:db8::1 4321 2001:db8::2 80"},
        {"PROXY UNKNOWN\r\n", "1 -"},
        {"PROXY UNKNOWN what ever\r\n", "1 -"},
        {signature + four, "2 192.0.2.1 4321 198.51.100.1 80"},
        {signature + "\x20\0\0\0"s, "2 -"},
        {signature + "\x21\x31\0\4abcd"s, "2 -"},
    };
    for (const auto& [bytes, text] : whole) {
        const auto header = read_proxy_header(bytes + "GET / HTTP/1.1\r\n");
        EXPECT_EQ(header.what, found::whole) << text;
        EXPECT_EQ(header.size, bytes.size()) << text;
        EXPECT_EQ(header.text(), text);
        for (std::size_t cut = 0; cut < bytes.size(); ++cut)
            EXPECT_EQ(read_proxy_header(bytes.substr(0, cut)).what, found::part) << text << cut;
    }
}

TEST(proxy_header, is_none_when_malformed) {
    for (const auto& bytes : {"GET / HTTP/1.1\r\n"s, "PROXIES\r\n"s, "PROXY TCP5 192.0.2.1 198.51.100.1 4321 80\r\n"s,
                              "PROXY TCP4 192.0.2.999 198.51.100.1 4321 80\r\n"s, "PROXY TCP4 192.0.2.1 198.51.100.1 4321\r\n"s,
                              "PROXY TCP4 192.0.2.1 198.51.100.1 4321 80 9\r\n"s, "PROXY TCP4 192.0.2.1 198.51.100.1 99999 80\r\n"s,
                              "PROXY TCP4 2001:db8::1 2001:db8::2 4321 80\r\n"s, "PROXY "s + std::string(120, 'x'),
                              signature + "\x31\x11\0\x0c"s, signature + "\x21\x11\0\x08\xc0\0\2\1\xc6\x33\x64\1"s})
        EXPECT_EQ(read_proxy_header(bytes).what, found::nothing) << bytes;
}

}  // namespace
