// The states of the reader. Two decisions keep it short and independent of how the input is cut:
//  - Start lines, field lines, chunk headers and trailers are read line by line. A line that lies wholly in one piece is read in place;
//    only one that is cut is gathered in line_. All that is decided is decided from whole lines, never from pieces.
//  - Where a line is not the unit (the "HTTP/" which tells a response from stray bytes, the search for a start line) the decision falls at
//    the first byte that settles it, and is told with the offset at which those bytes began.
#include "http/reader.h"

#include <algorithm>
#include <utility>

#include "http/lines.h"

namespace badorigin::http {
namespace {

constexpr std::string_view status_line_start = "HTTP/";

}  // namespace

reader::reader(direction side, reader_sink& sink, reader_limits limits, stream_offset from)
    : side_(side), sink_(sink), limits_(limits), position_(from) {
    limits_.header_bytes = std::max<std::size_t>(limits_.header_bytes, 64);  // what probing and resynchronisation hold must fit
}

void reader::expect_response_to(std::string_view method) {
    awaited_methods_.emplace_back(method);
}

bool reader::idle() const {
    return !begun_;
}

void reader::feed(std::string_view bytes) {
    while (!bytes.empty()) bytes.remove_prefix(step(bytes));
}

std::size_t reader::step(std::string_view bytes) {
    switch (state_) {
        case state::start:
            return read_start(bytes);
        case state::start_line:
        case state::header:
        case state::trailer:
            return read_header_lines(bytes);
        case state::body_length:
        case state::chunk_data:
        case state::body_until_close:
            return read_body(bytes);
        case state::chunk_size:
            return read_chunk_header(bytes);
        case state::chunk_end:
            return read_chunk_end(bytes);
        case state::resync:
            return side_ == direction::request ? resync_request(bytes) : resync_response(bytes);
        case state::tunnel:
        case state::skip:
        case state::ended:
            break;
    }
    position_ += bytes.size();
    return bytes.size();
}

// ---- between messages

std::size_t reader::read_start(std::string_view bytes) {
    if (!begun_ && !probing_) {
        // RFC 9112 2.2: empty lines before a start line are ignored. line_ holds a CR whose next byte is not known yet.
        if (bytes[0] == '\n' || (bytes[0] == '\r' && line_.empty())) {
            line_.assign(bytes[0] == '\r' ? "\r" : "");
            ++position_;
            return 1;
        }
        first_byte(position_ - line_.size());
        return 0;
    }
    std::string_view wanted = status_line_start.substr(std::min(line_.size(), status_line_start.size()));
    std::string_view there = bytes.substr(0, wanted.size());
    if (!status_line_start.starts_with(line_) || !wanted.starts_with(there)) {
        decide_no_http();
        return 0;
    }
    if (there.size() < wanted.size()) {
        line_ += there;
        position_ += there.size();
        return there.size();
    }
    decide_http();
    return 0;
}

void reader::first_byte(stream_offset at) {
    if (side_ == direction::response) {
        if (awaited_methods_.empty() || after_bodiless_ || after_close_) {
            probing_ = true;
            probe_at_ = at;
        } else {
            begin(at);
        }
        return;
    }
    if (after_close_) sink_.on_stray(at, anomaly::bytes_after_message);
    if (after_http_09_) {
        line_.clear();
        state_ = state::resync;
        return;
    }
    begin(at);
    state_ = state::start_line;
}

void reader::decide_http() {
    if (probing_) {
        if (awaited_methods_.empty() || after_close_) sink_.on_stray(probe_at_, anomaly::bytes_after_message);
        begin(probe_at_);
    }
    state_ = state::start_line;
}

void reader::decide_no_http() {
    if (probing_) {
        probing_ = false;
        line_.clear();
        state_ = state::resync;
        sink_.on_stray(probe_at_, after_bodiless_ ? anomaly::body_on_bodiless : anomaly::bytes_after_message);
        return;
    }
    name(anomaly::missing_status_line, current_.begin);
    current_.framing = framing::headerless;
    current_.version = {0, 9};
    answer_awaited();
    state_ = state::body_until_close;
    sink_.on_header(current_);
    add_content(line_);
    line_.clear();
}

void reader::begin(stream_offset at) {
    current_.clear();
    current_.side = side_;
    current_.begin = current_.body_begin = current_.end = at;
    content_ = {};
    section_begin_ = at;
    begun_ = true;
    probing_ = after_bodiless_ = after_close_ = after_http_09_ = lost_ = false;
    sink_.on_begin(at);
}

// ---- lines

reader::taken reader::take_line(std::string_view bytes) {
    taken got;
    got.offset = position_ - line_.size();
    stream_offset limit = section_begin_ + limits_.header_bytes;
    std::size_t room = limit > position_ ? static_cast<std::size_t>(limit - position_) : 0;
    std::string_view within = bytes.substr(0, room);
    std::size_t lf = within.find('\n');
    got.whole = lf != std::string_view::npos;
    got.used = got.whole ? lf + 1 : within.size();
    got.oversize = !got.whole && bytes.size() > room;
    position_ += got.used;
    if (got.whole && line_.empty()) {
        got.text = within.substr(0, lf);
    } else {
        line_ += within.substr(0, got.whole ? lf : got.used);
        got.text = line_;
    }
    return got;
}

std::size_t reader::read_header_lines(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && (state_ == state::start_line || state_ == state::header || state_ == state::trailer)) {
        taken raw = take_line(bytes.substr(used));
        used += raw.used;
        if (raw.oversize) {
            line_.clear();
            name(anomaly::oversize_header, position_);
            if (!current_.header_complete) answer_awaited();
            state_ = state::skip;
            finish(false);
        } else if (raw.whole) {
            read_header_line(raw);
        }
    }
    return used;
}

void reader::read_header_line(const taken& raw) {
    line whole = read_line_end(raw.text, raw.offset, current_.anomalies);
    bool last = false;
    if (state_ == state::start_line) {
        state_ = state::header;
        if (side_ == direction::request) {
            read_request_line(whole, current_);
            last = current_.version == version{0, 9} && current_.has(anomaly::http_09_request);
        } else {
            read_status_line(whole, current_);
        }
    } else if (whole.text.empty()) {
        last = true;
    } else {
        read_field_line(whole, state_ == state::trailer ? current_.trailers : current_.fields, current_.anomalies);
    }
    line_.clear();
    if (!last) return;
    if (state_ == state::trailer) {
        finish(true);
    } else {
        header_done();
    }
}

void reader::answer_awaited() {
    request_method_.clear();
    if (side_ == direction::request || current_.interim() || awaited_methods_.empty()) return;
    request_method_ = std::move(awaited_methods_.front());
    awaited_methods_.pop_front();
}

void reader::header_done() {
    answer_awaited();
    current_.header_complete = true;
    current_.body_begin = current_.end = position_;
    settle_framing(current_, request_method_);
    bool over = false;
    switch (current_.framing) {
        case framing::length:
            remaining_ = *current_.declared_length;
            over = remaining_ == 0;
            state_ = state::body_length;
            break;
        case framing::chunked:
            section_begin_ = position_;
            state_ = state::chunk_size;
            break;
        case framing::until_close:
            state_ = state::body_until_close;
            break;
        default:
            over = true;
    }
    sink_.on_header(current_);
    if (over) finish(true);
}

void reader::finish(bool complete) {
    current_.complete = complete;
    current_.end = position_;
    static const std::uint64_t of_nothing = running_hash().value();
    current_.content_hash = current_.content_size == 0 ? of_nothing : content_.value();
    begun_ = false;
    if (complete) {
        bool final_response = side_ == direction::response && !current_.interim();
        after_bodiless_ = final_response && current_.framing == framing::none;
        after_close_ = (side_ == direction::request || final_response) && !current_.persistent();
        after_http_09_ = side_ == direction::request && current_.has(anomaly::http_09_request);
        state_ = current_.framing == framing::tunnel ? state::tunnel : state::start;
    }
    sink_.on_end(std::move(current_));
}

}  // namespace badorigin::http
