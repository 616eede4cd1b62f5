// Where messages begin and end, as far as a scripted peer must know to take its turn. Asio-free.
//
// Not the judge's reader: this one only paces the run. It keeps heads, drops bodies, and stops at what it cannot read (broken):
// an origin then answers 400 and closes, a client then reads until the connection closes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "fake-backends/script.h"

namespace badorigin::peers {

class wire_reader {
public:
    enum class side : std::uint8_t { requests, responses };
    explicit wire_reader(side s) : side_(s) {}

    /// Responses: the method that the next final response answers.
    void expect(std::string method) { awaited_.push_back(std::move(method)); }
    /// Requests: a PROXY header before the first is passed over.
    void feed(std::string_view bytes);
    /// The peer's FIN: completes a response that ends with its connection.
    void end();

    std::size_t heads() const { return heads_; }        ///< header sections of requests or final responses so far
    std::size_t complete() const { return complete_; }  ///< messages so far
    bool idle() const { return state_ == state::start_line && line_.empty() && first_bytes_.empty(); }
    bool broken() const { return state_ == state::broken; }
    bool last_message() const { return last_; }  ///< the latest head forbids another message on this connection
    int status() const { return status_; }       ///< of the latest final response
    /// Requests: the oldest head that was not taken yet; there must be one.
    request_facts take_request();

private:
    enum class state : std::uint8_t { start_line, fields, body, chunk_size, chunk_data, chunk_end, trailer, until_close, broken };

    void read(std::string_view bytes);
    void line(std::string_view text);
    void start(std::string_view text);
    void field_line(std::string_view text);
    void head_ended();
    void request_head_ended();
    void response_head_ended();
    bool body_framing();  ///< sets left_ and state_ from the fields; false: nothing announced
    void message_ended();

    static constexpr std::size_t longest_header = 4u << 20;

    side side_;
    state state_ = state::start_line;
    bool first_ = true;  ///< what the client begins with may be a PROXY header
    std::string first_bytes_;
    std::string line_;
    std::size_t header_size_ = 0;
    request_facts current_;
    int status_ = 0, current_status_ = 0;
    std::deque<std::string> awaited_;
    std::deque<request_facts> requests_;
    std::uint64_t left_ = 0;
    std::size_t heads_ = 0, complete_ = 0;
    bool last_ = false;
};

}  // namespace badorigin::peers
