#include "proxy-under-test/cache/message_reader.h"

#include <cctype>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
namespace http = boost::beast::http;
using boost::beast::error_code;
using text = boost::beast::string_view;

constexpr std::size_t most_unread = 64 * 1024;  ///< content never stays unread, so it is a line that does not end
constexpr std::string_view line_end = "\r\n";

std::string_view plain(text of) {
    return {of.data(), of.size()};
}

/// Where the parser's callbacks put what they see.
struct sink {
    request_head request;
    response_head response;
    std::string content;
    std::uint64_t chunk_left = 0;
    bool head_complete = false, chunk_before = false;
};

/// Where the last chunk's line ends, if `bytes`, between two chunks, begins with it; 0: another chunk follows, or more has to come first.
std::size_t last_chunk_line(std::string_view bytes, bool chunk_before) {
    const auto at = chunk_before ? line_end.size() : 0;
    if (bytes.size() <= at || bytes[at] != '0') return 0;
    const auto behind = bytes.find_first_not_of('0', at), end = bytes.find(line_end, at);
    if (end == std::string_view::npos || std::isxdigit(static_cast<unsigned char>(bytes[behind]))) return 0;
    return end + line_end.size();
}

template <bool IsRequest>
class parser final : public http::basic_parser<IsRequest> {
public:
    explicit parser(sink& into) : into_(into) {
        this->header_limit(128 * 1024);
        this->body_limit(boost::none);
    }

private:
    field_list& fields() {
        if constexpr (IsRequest) {
            return into_.request.fields;
        } else {
            return into_.response.fields;
        }
    }
    void on_request_impl(http::verb, text method, text target, int version, error_code&) override {
        into_.request.method = plain(method);
        into_.request.target = plain(target);
        into_.request.version = version;
    }
    void on_response_impl(int status, text reason, int version, error_code&) override {
        into_.response.status = status;
        into_.response.reason = plain(reason);
        into_.response.version = version;
    }
    void on_field_impl(http::field, text name, text value, error_code&) override { fields().append(plain(name), plain(value)); }
    void on_header_impl(error_code&) override { into_.head_complete = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(text body, error_code&) override {
        into_.content += plain(body);
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t size, text, error_code&) override {
        into_.chunk_left = size;
        into_.chunk_before = true;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override {
        into_.content += plain(body);
        into_.chunk_left -= body.size();
        return body.size();
    }
    void on_finish_impl(error_code&) override {}

    sink& into_;
};
}  // namespace

struct message_reader::parts {
    parts(side which, bool without_content) : of(which), head(which), request(seen), response(seen) { response.skip(without_content); }

    template <class Do>
    auto with_parser(Do&& what) {
        return of == side::request ? what(request) : what(response);
    }
    /// Feeds one stretch of bytes; how many were used.
    std::expected<std::size_t, std::string> feed(std::string_view bytes) {
        return with_parser([&](auto& reader) -> std::expected<std::size_t, std::string> {
            error_code ec;
            const auto used = reader.put(boost::asio::buffer(bytes), ec);
            if (ec && ec != http::error::need_more) return std::unexpected(ec.message());
            return used;
        });
    }
    std::expected<void, std::string> parse_head(std::string raw) {
        auto admitted = admit(std::move(raw), of);
        if (!admitted) return std::unexpected(admitted.error());
        if (auto used = feed(admitted->text); !used) return std::unexpected(used.error());
        if (!seen.head_complete) return std::unexpected("an incomplete head");
        for (const auto& [name, value] : admitted->restored) seen.request.fields.append(name, value);
        return {};
    }
    /// One stretch of content. The parser, which would read a trailer section leniently and as if it were header, gets to see none.
    std::expected<std::size_t, std::string> feed_content(std::string_view bytes) {
        if (trailer_section) return feed_trailers(bytes);
        const bool between_chunks = seen.chunk_left == 0 && with_parser([](auto& reader) { return reader.chunked(); });
        const auto line = between_chunks ? last_chunk_line(bytes, seen.chunk_before) : 0;
        const auto behind = bytes.substr(line);
        if (line > 0 && behind.size() < line_end.size() && line_end.starts_with(behind)) return 0;  // more has to come
        if (line == 0 || behind.starts_with(line_end)) return feed(bytes);
        if (auto used = feed(std::string(bytes.substr(0, line)).append(line_end)); !used) return used;
        trailer_section = head_collector::of_trailers();
        return line;
    }
    std::expected<std::size_t, std::string> feed_trailers(std::string_view bytes) {
        auto used = trailer_section->put(bytes);
        if (!used || !trailer_section->complete()) return used;
        const auto fields = admit_trailers(trailer_section->text());
        if (!fields) return std::unexpected(fields.error());
        const auto& header = of == side::request ? seen.request.fields : seen.response.fields;
        for (const auto& [name, value] : *fields) {
            if (may_be_trailer(name, header) && !planted(bug::drop_trailers)) trailers.append(name, value);
        }
        trailer_section.reset();
        return used;
    }
    bool done() {
        return !trailer_section && with_parser([](auto& reader) { return reader.is_done(); });
    }

    side of;
    head_collector head;
    std::uint64_t head_bytes = 0, body_bytes = 0;
    sink seen;
    std::optional<head_collector> trailer_section;  ///< while it is read
    field_list trailers;
    parser<true> request;
    parser<false> response;
};

message_reader::message_reader(side of, bool no_content) : parts_(std::make_unique<parts>(of, no_content)) {}
message_reader::~message_reader() = default;
message_reader::message_reader(message_reader&&) noexcept = default;
message_reader& message_reader::operator=(message_reader&&) noexcept = default;

std::expected<void, std::string> message_reader::put(std::string& input, bool head_only) {
    auto& p = *parts_;
    if (!head_complete()) {
        auto used = p.head.put(input);
        if (!used && used.error() == "no status line" && planted(bug::accept_headerless)) {
            p.head.text() = "HTTP/1.0 200 OK\r\n\r\n";
            return p.parse_head(p.head.text());
        }
        if (!used) return std::unexpected(used.error());
        input.erase(0, *used);
        p.head_bytes += *used;
        if (!p.head.complete()) return {};
        if (auto parsed = p.parse_head(std::move(p.head.text())); !parsed) return parsed;
    }
    std::size_t at = 0;
    while (!head_only && !p.done() && at < input.size()) {
        auto used = p.feed_content(std::string_view(input).substr(at));
        if (!used) return std::unexpected(used.error());
        if (*used == 0) break;
        at += *used;
    }
    input.erase(0, at);
    p.body_bytes += at;
    if (!head_only && !p.done() && input.size() > most_unread) return std::unexpected("a chunk header of more than 64 KiB");
    return {};
}

std::expected<void, std::string> message_reader::end() {
    if (!head_complete()) return std::unexpected(parts_->head.empty() ? "EOF" : "EOF in the head");
    if (parts_->trailer_section) return std::unexpected("EOF in the trailer section");
    return parts_->with_parser([](auto& reader) -> std::expected<void, std::string> {
        error_code ec;
        reader.put_eof(ec);
        if (ec) return std::unexpected("EOF in the body");
        return {};
    });
}

bool message_reader::untouched() const {
    return parts_->head.empty() && !head_complete();
}
bool message_reader::head_complete() const {
    return parts_->seen.head_complete;
}
bool message_reader::complete() const {
    return head_complete() && parts_->done();
}

framing message_reader::body() const {
    return parts_->with_parser([](auto& reader) {
        if (reader.chunked()) return framing::chunked;
        if (const auto length = reader.content_length()) return framing::sized;
        return reader.need_eof() && !reader.is_done() ? framing::until_close : framing::none;
    });
}

std::uint64_t message_reader::head_bytes() const {
    return parts_->head_bytes;
}
std::uint64_t message_reader::body_bytes() const {
    return parts_->body_bytes;
}

std::optional<std::uint64_t> message_reader::content_length() const {
    return parts_->with_parser([](auto& reader) -> std::optional<std::uint64_t> {
        const auto length = reader.content_length();
        return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
    });
}

request_head& message_reader::request() {
    return parts_->seen.request;
}
response_head& message_reader::response() {
    return parts_->seen.response;
}
const response_head& message_reader::response() const {
    return parts_->seen.response;
}
const field_list& message_reader::trailers() const {
    return parts_->trailers;
}
std::string message_reader::take_content() {
    return std::exchange(parts_->seen.content, {});
}

}  // namespace badorigin::cache
