// The HTTP of one connection: a reader for each direction, and the pairing of what they find into exchanges.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "capture/exchange.h"
#include "http/reader.h"

namespace badorigin::capture {

/// Exchanges and messages to be used again with the memory that they have, so that in a long capture next to nothing is allocated.
class spares {
public:
    std::shared_ptr<exchange> an_exchange();
    seen_message a_message();
    /// Nobody else has it.
    void give(std::shared_ptr<exchange> e);

private:
    void give(std::optional<seen_message>& m);
    std::vector<std::shared_ptr<exchange>> exchanges_;
    std::vector<seen_message> messages_;
};

/// Responses pair with requests in their order. A response that comes while its request is still being sent pairs with it; one that comes
/// when nothing is awaited makes an exchange without a request. Exchanges are given out in order, when both messages are over.
class exchange_builder {
public:
    using on_exchange = std::function<void(std::shared_ptr<exchange>)>;
    exchange_builder(std::shared_ptr<connection> on, std::uint64_t& last_id, const on_exchange& yield, spares& used,
                     const http::reader_limits& limits);
    exchange_builder(const exchange_builder&) = delete;
    exchange_builder& operator=(const exchange_builder&) = delete;

    void feed(http::direction side, const frame_ref& frame, std::string_view bytes);
    void gap(http::direction side, std::uint64_t length);
    void end(http::direction side, http::stream_end how);
    /// The connection is over: what is still open is given out as it stands.
    void finish(http::stream_end how);
    /// The first frame of what is not given out yet; none: nothing is open.
    frame_ref oldest_open() const { return open_.empty() ? frame_ref() : open_.front().begun; }

private:
    struct open_exchange {
        std::shared_ptr<exchange> what;
        frame_ref begun;
        bool request_over = false, response_over = false;
        bool announced = false;        // the response reader knows its method
        bool final_header = false;     // of the response
        bool lost_a_response = false;  // a hole of the response direction lies where its response may have been
    };
    struct half : http::reader_sink {
        exchange_builder* owner = nullptr;
        http::direction side = http::direction::request;
        std::optional<http::reader> reader;
        bool ended = false;
        bool message_open = false;
        seen_message current;
        std::shared_ptr<exchange> target;  // the exchange that the open message belongs to
        frame_ref last_frame;
        std::optional<http::stream_offset> whole_to;  // end of the last message, when it was complete
        bool in_doubt = false;                        // a hole may have swallowed the beginning of a message
        bool unread = false;                          // the reader gave up: what comes now is not known

        void on_begin(http::stream_offset at) override;
        void on_header(const http::message& so_far) override;
        void on_end(http::message&& whole) override;
        void on_stray(http::stream_offset at, http::anomaly why) override;
    };

    void feed_first(half& h, std::string_view bytes);
    void give_up_first();
    half& of(http::direction side) { return side == http::direction::request ? requests_ : responses_; }
    http::reader& reader(half& h);
    open_exchange& begin_exchange(bool asked);
    void settle_doubts();
    void doubt(half& h);
    open_exchange* entry(const std::shared_ptr<exchange>& what);
    open_exchange* awaiting_response();
    void announce(open_exchange& e, std::string_view method);
    void give_out();

    std::shared_ptr<connection> on_;
    std::uint64_t& last_id_;
    const on_exchange& yield_;
    spares& spares_;
    http::reader_limits limits_;
    half requests_, responses_;
    std::string first_bytes_;  ///< of the client, while they may be a PROXY header
    std::vector<open_exchange> open_;
    frame_ref now_, before_;  // the data frame that is being delivered, and the one before it
    bool gap_for_next_ = false;
    bool unasked_since_hole_ = false;
};

}  // namespace badorigin::capture
