// The body of a client's request on its way: streamed once, or kept so that it can be sent again.
#pragma once

#include <optional>
#include <string>

#include "proxy-under-test/cache/connection.h"
#include "proxy-under-test/cache/message_reader.h"

namespace badorigin::cache {

class request_body {
public:
    /// Continues where `reader` stands behind the head. `announced`: the client waits for 100 (Continue) before it sends.
    request_body(connection& from, message_reader& reader, bool announced) : client_(from), reader_(reader), announced_(announced) {}

    bool present() const { return reader_.body() != framing::none; }
    bool chunked() const { return reader_.body() == framing::chunked; }
    std::optional<std::uint64_t> length() const { return reader_.content_length(); }

    enum class piece { content, end, interrupted, broken };
    /// The next stretch of content, in `into`. broken: the client went away or what it sends is malformed.
    awaitable<piece> next(std::string& into);
    /// Starts over; false: it was streamed and cannot be.
    bool rewind();
    bool resendable() const { return !present() || kept_; }
    /// Some of it is no longer on the client's connection.
    bool was_read() const { return kept_ || streamed_; }
    /// Reads it all, to be sent as often as need be. False: longer than `most`, or broken.
    awaitable<bool> keep(std::uint64_t most);
    /// Reads and forgets the rest, so that the next request can follow. False: better close.
    awaitable<bool> discard();

    /// Whether next() has something without waiting for the client.
    bool ready() const { return kept_ || !client_.input.empty() || reader_.complete(); }
    bool broken() const { return broken_; }
    /// The client waits for 100 (Continue) still.
    bool awaits_permission() const { return announced_ && client_.input.empty(); }
    bool all_read() const { return reader_.complete(); }
    /// Behind a body that came in chunks, once next() has told its end.
    const field_list& trailers() const { return reader_.trailers(); }
    const message_reader& reader() const { return reader_; }
    void interrupt() { client_.interrupt(); }

private:
    awaitable<piece> next_from_client(std::string& into);

    connection& client_;
    message_reader& reader_;
    bool announced_, broken_ = false, kept_ = false, streamed_ = false, replayed_ = false;
    std::uint64_t received_ = 0;
    std::string copy_;
};

}  // namespace badorigin::cache
