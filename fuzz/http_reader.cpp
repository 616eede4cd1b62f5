// Byte 0 picks the direction, the limits, the end and the size of the pieces; byte 1 the awaited methods; the rest is the stream.
// However the stream is cut, the reader must tell the same; and what it tells must be consistent in itself.
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "tests/unit/http/recorder.h"

using namespace badorigin::http;

namespace {

struct plan {
    direction side;
    reader_limits limits;
    stream_end end;
    std::vector<std::string> awaited;
};

void require(bool holds, std::string_view what, const recorder& heard) {
    if (holds) return;
    fmt::print(stderr, "violated: {}\n{}", what, heard.log);
    std::abort();
}

void check(const recorder& heard, stream_offset size) {
    require(heard.open == 0, "every message begun is ended", heard);
    stream_offset behind = 0;
    for (const message& one : heard.messages) {
        require(one.begin >= behind && one.begin <= one.body_begin && one.body_begin <= one.end && one.end <= size,
                "messages follow one another inside the stream", heard);
        require(one.content_size <= one.end - one.body_begin, "content lies in the body", heard);
        require(one.framing != framing::length || !one.complete || one.end - one.body_begin == *one.declared_length, "the length is kept",
                heard);
        for (const anomaly_at& found : one.anomalies) require(found.offset <= size, "anomalies lie in the stream", heard);
        behind = one.end;
    }
}

void run(const plan& how, std::string_view bytes, std::size_t piece, std::size_t gap_at, recorder& heard) {
    reader read{how.side, heard, how.limits};
    if (how.side == direction::response)
        for (const std::string& method : how.awaited) read.expect_response_to(method);
    stream_offset missing = 0;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        if (at / piece == gap_at) {
            missing = 3;
            read.gap(missing);
        }
        read.feed(bytes.substr(at, piece));
    }
    require(read.position() == bytes.size() + missing, "the position counts every byte", heard);
    read.end(how.end);
    require(read.idle(), "nothing is open behind the end", heard);
    check(heard, bytes.size() + missing);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    static const std::vector<std::string> methods{"GET", "HEAD", "CONNECT"};
    plan how{.side = data[0] & 1 ? direction::response : direction::request,
             .limits = {.header_bytes = data[0] & 2 ? 100u : 4096u, .keep_content = 20},
             .end = static_cast<stream_end>((data[0] >> 2) % 3),
             .awaited = {}};
    for (unsigned pick = data[1]; pick > 0; pick /= 4)
        if (pick % 4 != 0) how.awaited.push_back(methods[pick % 4 - 1]);
    std::size_t piece = 1 + (data[0] >> 4);
    std::string_view bytes{reinterpret_cast<const char*>(data + 2), size - 2};

    constexpr std::size_t no_gap = SIZE_MAX;
    recorder whole, cut, holed;
    run(how, bytes, bytes.size(), no_gap, whole);
    run(how, bytes, piece, no_gap, cut);
    require(cut.log == whole.log, "a cut changes nothing; it gave\n" + cut.log + "and uncut", whole);
    run(how, bytes, piece, bytes.size() / piece / 2, holed);
    return 0;
}
