#include "proxy-under-test/cache/message_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
namespace http = boost::beast::http;
using boost::beast::error_code;
using text = boost::beast::string_view;

constexpr std::size_t most_unread = 64 * 1024;  ///< content never stays unread, so it is a line that does not end

std::string_view plain(text of) {
    return {of.data(), of.size()};
}

/// Where the parser's callbacks put what they see.
struct sink {
    request_head request;
    response_head response;
    std::string content;
    bool head_complete = false;
};

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
    void on_field_impl(http::field, text name, text value, error_code&) override {
        if (!into_.head_complete) fields().append(plain(name), plain(value));  // trailer fields are dropped
    }
    void on_header_impl(error_code&) override { into_.head_complete = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(text body, error_code&) override {
        into_.content += plain(body);
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override {
        into_.content += plain(body);
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
    bool done() {
        return with_parser([](auto& reader) { return reader.is_done(); });
    }

    side of;
    head_collector head;
    std::uint64_t head_bytes = 0, body_bytes = 0;
    sink seen;
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
        auto used = p.feed(std::string_view(input).substr(at));
        if (!used) return std::unexpected(used.error());
        if (*used == 0) break;
        at += *used;
    }
    input.erase(0, at);
    p.body_bytes += at;
    if (!head_only && !p.done() && input.size() > most_unread)
        return std::unexpected("a chunk header or trailer section of more than 64 KiB");
    return {};
}

std::expected<void, std::string> message_reader::end() {
    if (!head_complete()) return std::unexpected(parts_->head.empty() ? "EOF" : "EOF in the head");
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
std::string message_reader::take_content() {
    return std::exchange(parts_->seen.content, {});
}

}  // namespace badorigin::cache
