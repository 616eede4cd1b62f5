// One message, read as its bytes arrive: Boost.Beast's parser behind the strict look of admission.h.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy-under-test/cache/admission.h"
#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

enum class framing { none, sized, chunked, until_close };

class message_reader {
public:
    /// `no_content`: the response to a HEAD request.
    explicit message_reader(side of, bool no_content = false);
    ~message_reader();
    message_reader(message_reader&&) noexcept;
    message_reader& operator=(message_reader&&) noexcept;

    /// Reads from the front of `input` and removes what it used. The head is done before any content is looked at, so that a caller
    /// can stop there; called again, content follows. Error: what is malformed.
    std::expected<void, std::string> put(std::string& input, bool head_only = false);
    /// The peer closed. Error: the message is incomplete by that.
    std::expected<void, std::string> end();

    bool untouched() const;  ///< not one byte of the message came
    bool head_complete() const;
    bool complete() const;
    framing body() const;
    std::optional<std::uint64_t> content_length() const;
    /// Read so far, as they stood on the wire.
    std::uint64_t head_bytes() const;
    std::uint64_t body_bytes() const;

    request_head& request();
    response_head& response();
    const response_head& response() const;
    /// Of a complete message whose content came in chunks: the fields behind it that may be handed on. They are no header fields.
    const field_list& trailers() const;
    /// The content that was read since the last call, without its transfer coding.
    std::string take_content();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace badorigin::cache
