// Faults that change the message: start line, fields, framing, content.
#include <algorithm>
#include <array>

#include "fake-backends/faults/draft.h"

namespace badorigin::peers {

namespace {

// Half a kilobyte of HTML with nothing before it: what a plain-text request to a TLS port gets from many servers (R4.1).
constexpr std::string_view bare_page =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>Wrong kind of port</title>\n"
    "<style>body { font-family: sans-serif; margin: 3em; color: #222; } p { max-width: 40em; }</style>\n</head>\n<body>\n"
    "<h1>This port does not speak plain HTTP</h1>\n"
    "<p>You have sent an unencrypted request to a port that expects an encrypted one. Nothing of your request was read, and no header "
    "comes with this page, because the server gave up before it knew which protocol it was talking.</p>\n"
    "<hr>\n<address>a bad origin, on purpose</address>\n</body>\n</html>\n";

std::string text_or(const fault& f, std::string_view otherwise) {
    return f.text ? *f.text : std::string(otherwise);
}

void by_length(draft& d) {
    d.need_content();
    d.framing = draft::coding::length;
}

void by_chunks(draft& d) {
    d.need_content();
    d.framing = draft::coding::chunked;
}

void then_close(draft& d) {
    d.keep = false;
    d.announce_close = false;
}

void headerless(draft& d, const fault& f) {
    d.head_sent = false;
    d.body_sent = true;
    d.framing = draft::coding::until_close;
    d.content = text_or(f, bare_page);
    d.keep = false;
}

void http_09(draft& d, const fault&) {
    d.body_sent = true;
    d.need_content();
    d.head_sent = false;
    d.framing = draft::coding::until_close;
    d.keep = false;
}

void start_line(draft& d, const fault& f) {
    d.start_line = text_or(f, "HTTP/1.1 abc Nonsense");
}
void missing_version(draft& d, const fault& f) {
    d.start_line = text_or(f, std::to_string(d.status) + " " + d.reason);
}
void wrong_version(draft& d, const fault& f) {
    d.start_line = text_or(f, "HTTP/3.0");
    *d.start_line += " " + std::to_string(d.status) + " " + d.reason;
}
void out_of_range(draft& d, const fault& f) {
    d.start_line = "HTTP/1.1 " + text_or(f, "999") + " Unheard Of";
}
void long_status_line(draft& d, const fault& f) {
    d.reason = std::string(f.size.value_or(65536), 'r');
}

void huge_header(draft& d, const fault& f) {
    d.lines.emplace_back("Badorigin-Huge", generated_bytes(f.size.value_or(262144), 2));
}
void many_fields(draft& d, const fault& f) {
    for (std::uint64_t i = 1; i <= f.size.value_or(1000); ++i) d.lines.emplace_back("Badorigin-Field-" + std::to_string(i), "one of many");
}
void bare_cr(draft& d, const fault& f) {
    d.lines.emplace_back("Badorigin-Cut", "one\r" + text_or(f, "Badorigin-Smuggled: two"));
}
void bare_lf(draft& d, const fault&) {
    d.line_end = "\n";
}
void obs_fold(draft& d, const fault&) {
    d.lines.emplace_back("Badorigin-Folded", "one\r\n two");
}
void space_before_colon(draft& d, const fault& f) {
    d.lines.emplace_back(text_or(f, "Badorigin-Spaced") + " ", "one");
}
void nul(draft& d, const fault&) {
    d.lines.emplace_back("Badorigin-Nul", std::string("one\0two", 7));
}

void in_body(draft& d, const fault&) {
    d.need_content();
}
void in_chunk(draft& d, const fault&) {
    by_chunks(d);
    then_close(d);
}

void body_short(draft& d, const fault& f) {
    by_length(d);
    set_field(d.lines, "Content-Length", std::to_string(d.content.size() + f.size.value_or(100)));
    then_close(d);
}
void body_long(draft& d, const fault& f) {
    by_length(d);
    set_field(d.lines, "Content-Length", std::to_string(d.content.size()));
    if (d.body_sent) d.tail = std::string(f.size.value_or(100), '+');
}
void two_lengths(draft& d, std::uint64_t more) {
    by_length(d);
    remove_field(d.lines, "Content-Length");
    d.lines.emplace_back("Content-Length", std::to_string(d.content.size()));
    d.lines.emplace_back("Content-Length", std::to_string(d.content.size() + more));
}
void conflicting_lengths(draft& d, const fault& f) {
    two_lengths(d, f.size.value_or(1));
}
void duplicate_length(draft& d, const fault&) {
    two_lengths(d, 0);
}
void bad_length(draft& d, const fault& f) {
    by_length(d);
    set_field(d.lines, "Content-Length", text_or(f, "-1"));
    then_close(d);
}
void length_with_chunked(draft& d, const fault&) {
    by_chunks(d);
    set_field(d.lines, "Content-Length", std::to_string(d.content.size()));
}
void bad_chunk_size(draft& d, const fault& f) {
    by_chunks(d);
    d.chunks.size_text = text_or(f, "xyz");
    then_close(d);
}
void bad_chunk_end(draft& d, const fault&) {
    by_chunks(d);
    d.chunks.data_end = "XX";
    then_close(d);
}
void missing_last_chunk(draft& d, const fault&) {
    by_chunks(d);
    d.chunks.last.clear();
    d.chunks.trailer_section.clear();
    then_close(d);
}
void huge_extension(draft& d, const fault& f) {
    by_chunks(d);
    d.chunks.extension = ";x=" + std::string(f.size.value_or(65536), 'e');
}
void forbidden_trailer(draft& d, const fault&) {
    by_chunks(d);
    d.chunks.trailer_section = "Content-Length: 7\r\nSet-Cookie: smuggled=yes\r\n\r\n";
}
void unknown_coding(draft& d, const fault& f) {
    d.need_content();
    d.framing = draft::coding::until_close;
    remove_field(d.lines, "Content-Length");
    set_field(d.lines, "Transfer-Encoding", text_or(f, "badorigin"));
    then_close(d);
}
void chunked_in_10(draft& d, const fault&) {
    by_chunks(d);
    d.version = "1.0";
    d.keep = false;
}
void body_to_head(draft& d, const fault&) {
    if (d.asked.method != "HEAD") return;
    d.body_sent = true;
    d.need_content();
}
void body_on_304(draft& d, const fault&) {
    d.set_status(304);
    d.frames = d.body_sent = true;
    by_length(d);
}

void not_modified(draft& d) {
    d.set_status(304);
    std::erase_if(d.lines,
                  [](const auto& line) { return same_text(line.first, "Content-Length") || same_text(line.first, "Transfer-Encoding"); });
}
void unsolicited_304(draft& d, const fault&) {
    not_modified(d);
}
void stale_304(draft& d, const fault& f) {
    if (!d.asked.conditional()) return;
    not_modified(d);
    set_field(d.lines, "ETag", text_or(f, "\"another\""));
}
void age_huge(draft& d, const fault& f) {
    set_field(d.lines, "Age", text_or(f, "4294967296"));
}
void bad_date(draft& d, const fault& f) {
    set_field(d.lines, "Date", text_or(f, "yesterday"));
}
void no_date(draft& d, const fault&) {
    remove_field(d.lines, "Date");
}
void expires_garbage(draft& d, const fault& f) {
    set_field(d.lines, "Expires", text_or(f, "soon"));
}
void gzip_garbage(draft& d, const fault&) {
    d.need_content();
    set_field(d.lines, "Content-Encoding", "gzip");
}

void interim_first(draft& d, const fault& f) {
    d.interim.insert(d.interim.begin(), f.text == "100" ? 100 : f.text == "102" ? 102 : 103);
}
void many_interims(draft& d, const fault& f) {
    d.interim.insert(d.interim.end(), f.size.value_or(100), 103);
}
void early(draft& d, const fault&) {
    d.keep = false;
}
void close_idle(draft& d, const fault& f) {
    d.idle_close = f.lasts.value_or(nanoseconds(0));
}
void closes_unannounced(draft& d, const fault&) {
    d.announce_close = false;
}
void bytes_after(draft& d, const fault& f) {
    d.tail = text_or(f, "stray bytes that no request asked for\r\n");
}

struct row {
    std::string_view id;
    shape_hand hand;
};

constexpr auto hands = std::to_array<row>({
    {"headerless", headerless},
    {"http-09-response", http_09},
    {"bad-status-line", start_line},
    {"missing-version", missing_version},
    {"wrong-version", wrong_version},
    {"status-out-of-range", out_of_range},
    {"long-status-line", long_status_line},
    {"huge-header", huge_header},
    {"many-fields", many_fields},
    {"bare-cr-in-header", bare_cr},
    {"bare-lf", bare_lf},
    {"obs-fold", obs_fold},
    {"space-before-colon", space_before_colon},
    {"nul-in-header", nul},
    {"close-in-body", in_body},
    {"reset-in-body", in_body},
    {"stall-in-body", in_body},
    {"drip-body", in_body},
    {"truncated-chunk", in_chunk},
    {"body-short", body_short},
    {"body-long", body_long},
    {"conflicting-lengths", conflicting_lengths},
    {"duplicate-length", duplicate_length},
    {"bad-length", bad_length},
    {"length-with-chunked", length_with_chunked},
    {"bad-chunk-size", bad_chunk_size},
    {"bad-chunk-end", bad_chunk_end},
    {"missing-last-chunk", missing_last_chunk},
    {"huge-chunk-extension", huge_extension},
    {"forbidden-trailer", forbidden_trailer},
    {"unknown-coding", unknown_coding},
    {"chunked-in-http-10", chunked_in_10},
    {"wrong-length-for-head", body_to_head},
    {"body-on-304", body_on_304},
    {"unsolicited-304", unsolicited_304},
    {"stale-304", stale_304},
    {"set-age-huge", age_huge},
    {"bad-date", bad_date},
    {"no-date", no_date},
    {"expires-garbage", expires_garbage},
    {"gzip-garbage", gzip_garbage},
    {"interim-first", interim_first},
    {"many-interims", many_interims},
    {"early-response", early},
    {"early-response-reset", early},
    {"close-idle-after", close_idle},
    {"close-after-response", closes_unannounced},
    {"reset-after-response", closes_unannounced},
    {"half-close-after-response", closes_unannounced},
    {"bytes-after-message", bytes_after},
});

}  // namespace

shape_hand shape_of(std::string_view id) {
    const auto found = std::ranges::find(hands, id, &row::id);
    return found == hands.end() ? nullptr : found->hand;
}

}  // namespace badorigin::peers
