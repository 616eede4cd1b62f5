#include <algorithm>
#include <array>

#include "http/grammar.h"
#include "http/lines.h"

namespace badorigin::http {
namespace {

/// The first valid value of Content-Length counts; whatever else is there is named.
void read_content_length(message& whole) {
    std::optional<stream_offset> duplicate, conflict;
    const fields& all = whole.fields;
    for (std::size_t at = all.find("Content-Length"); at < all.size(); at = all.find("Content-Length", at + 1)) {
        const field found = all[at];
        for_each_element(found.value, [&](std::string_view text) {
            auto value = parse_decimal(text);
            if (!value) {
                whole.anomalies.push_back({anomaly::bad_content_length, found.offset});
            } else if (!whole.declared_length) {
                whole.declared_length = value;
            } else {
                auto& second = *value == *whole.declared_length ? duplicate : conflict;
                if (!second) second = found.offset;
            }
        });
    }
    if (conflict) {
        whole.anomalies.push_back({anomaly::conflicting_content_length, *conflict});
    } else if (duplicate) {
        whole.anomalies.push_back({anomaly::duplicate_content_length, *duplicate});
    }
}

struct transfer_encoding {
    bool present = false;
    bool chunked_last = false;
};

transfer_encoding read_transfer_encoding(message& whole) {
    static constexpr std::array<std::string_view, 5> known{"gzip", "x-gzip", "compress", "x-compress", "deflate"};
    transfer_encoding read;
    stream_offset offset = 0;
    bool sound = true;
    const fields& all = whole.fields;
    for (std::size_t at = all.find("Transfer-Encoding"); at < all.size(); at = all.find("Transfer-Encoding", at + 1)) {
        const field found = all[at];
        if (!read.present) offset = found.offset;
        read.present = true;
        for_each_element(found.value, [&](std::string_view coding) {
            if (coding.empty() || read.chunked_last) sound = false;  // chunked before another coding, or twice
            if (coding.empty()) return;
            read.chunked_last = same_name(coding, "chunked");
            if (!read.chunked_last && std::ranges::none_of(known, [&](std::string_view one) { return same_name(one, coding); }))
                sound = false;
        });
    }
    if (!read.present) return read;
    if (!sound || !read.chunked_last) whole.anomalies.push_back({anomaly::unknown_transfer_coding, offset});
    if (whole.version == version{1, 0}) whole.anomalies.push_back({anomaly::transfer_encoding_in_http_10, offset});
    if (first(whole.fields, "Content-Length")) whole.anomalies.push_back({anomaly::content_length_with_transfer_encoding, offset});
    return read;
}

void check_host(message& request) {
    std::size_t count = 0;
    const fields& all = request.fields;
    for (std::size_t at = all.find("Host"); at < all.size(); at = all.find("Host", at + 1))
        if (++count == 2) request.anomalies.push_back({anomaly::several_host, all[at].offset});
    if (count == 0 && request.version.major == 1 && request.version.minor >= 1)
        request.anomalies.push_back({anomaly::missing_host, request.begin});
}

framing of_request(const message& request, transfer_encoding coding) {
    if (request.method == "PRI" && request.target == "*" && request.version.major == 2) return framing::tunnel;  // preface of HTTP/2
    if (coding.chunked_last) return framing::chunked;
    // with an unknown transfer coding nothing can be known (6.3); many read on by Content-Length, and so do we
    return request.declared_length ? framing::length : framing::none;
}

framing of_response(const message& response, transfer_encoding coding, std::string_view request_method) {
    int status = response.status;
    if (status == 101 || (request_method == "CONNECT" && status / 100 == 2)) return framing::tunnel;
    if (request_method == "HEAD" || status / 100 == 1 || status == 204 || status == 304) return framing::none;
    if (coding.present) return coding.chunked_last ? framing::chunked : framing::until_close;
    return response.declared_length ? framing::length : framing::until_close;
}

}  // namespace

void settle_framing(message& whole, std::string_view request_method) {
    read_content_length(whole);
    transfer_encoding coding = read_transfer_encoding(whole);
    if (whole.side == direction::request) {
        check_host(whole);
        whole.framing = of_request(whole, coding);
    } else {
        whole.framing = of_response(whole, coding, request_method);
    }
}

}  // namespace badorigin::http
