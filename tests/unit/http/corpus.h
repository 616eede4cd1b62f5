// Streams of one or more messages, sound and broken, that the tests cut at every byte.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "http/reader.h"

namespace badorigin::http {

struct sample {
    std::string title;
    direction side;
    std::string bytes;
    stream_end end = stream_end::fin;
    std::vector<std::string> awaited{"GET", "GET", "GET"};
};

inline void PrintTo(const sample& given, std::ostream* out) {
    *out << given.title;
}

inline std::vector<sample> samples() {
    using namespace std::string_literals;
    using enum direction;
    return {
        {"plain get", request, "GET /a HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
        {"pipelined gets with empty lines between", request,
         "\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\n\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n"},
        {"post with length, then get", request,
         "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nab\r\n\r\ncGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"post chunked with extension and trailer", request,
         "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;n=\"v\"\r\nhello\r\nA \t;x\r\n0123456789\r\n000\r\nSum: "
         "1\r\n more\r\n\r\n"},
        {"http 0.9", request, "GET /x\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: b\r\n\r\n"},
        {"preface of http 2", request, std::string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0", 29}},
        {"bare line ends and folds", request, "GET /a HTTP/1.1\nHost: a\nX: one\r\n\t two\n\n"},
        {"carriage returns where none belong", request, "\r\rGET / HTTP/1.1\r\nHost: a\rb\r\nX: y\r\r\n\r\r\n\r\n"},
        {"bad request lines", request,
         "GET  / HTTP/1.1\r\nHost: a\r\n\r\nfoo\r\n\r\nGET /a b HTTP/1.1\r\nHost: a\r\n\r\nPUT /x\r\n\r\nGET HTTP/1.1\r\n\r\n"},
        {"several lengths", request, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\nContent-Length: 4\r\n\r\nabcd"},
        {"length with transfer encoding", request,
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
        {"missing last chunk", request,
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"after close", request, "GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n"},
        {"cut in header", request, "GET /a HTTP/1.1\r\nHost: a\r\nAcc", stream_end::reset},
        {"plain response", response, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nAge: 3\r\n\r\nhello"},
        {"interim messages", response,
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 "
         "OK\r\nContent-Length: 0\r\n\r\n"},
        {"chunked response", response,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\nHTTP/1.1 404 "
         "\r\nContent-Length: 1\r\n\r\nx"},
        {"until close", response, "HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {"until reset", response, "HTTP/1.0 200 OK\r\n\r\nabc", stream_end::reset},
        {"body after head, then a response",
         response,
         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTHTTP/1.HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
         stream_end::fin,
         {"HEAD", "GET"}},
        {"nobody asked", response, "HTTP/1.1 408 Timeout\r\nContent-Length: 1\r\n\r\nxHTT", stream_end::fin, {}},
        {"stray text after the answer",
         response,
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx\r\n\r\nstray HTTP/1.1 200 OK\r\n\r\n",
         stream_end::fin,
         {"GET"}},
        {"connect",
         response,
         "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x16\x03\x01HTTP/1.1",
         stream_end::fin,
         {"CONNECT", "CONNECT"}},
        {"switching protocols", response, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nanything\r\n\r\n"},
        {"headerless", response, "HTXX just text\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {"headerless beginning with a carriage return", response, "\rHTTP/1.1 200 OK\r\n\r\n"},
        {"bad status lines", response,
         "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\nHTTP/1.1  20x OK\r\nContent-Length: 0\r\n\r\nHTTP/x\r\n\r\n"},
        {"bad chunk ends and sizes", response,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n 2 \r\nbc\r3\r\ndefzz\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {"last chunk left out before the next response", response,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nHTTP/1.1 204 No Content\r\n\r\n"},
        {"cut in status line", response, "HTT", stream_end::fin},
        {"cut in chunk", response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", stream_end::fin},
        {"evidence ends in trailer", response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n",
         stream_end::capture_ended},
        {"control bytes", response,
         "HTTP/1.1 200 O\1K\r\nX: a\0b\x7f\r\nNo colon\r\nS : t\r\n: v\r\nB@d: v\r\nContent-Length: +1\r\n\r\n"s},
        {"oversize header", response, "HTTP/1.1 200 OK\r\nA: b\r\nX: " + std::string(300, 'x') + "\r\n\r\nrest"},
    };
}

}  // namespace badorigin::http
