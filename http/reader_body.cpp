// The reader's second half: bodies, holes, ends, and the search for the next start line behind what cannot be read.
#include <algorithm>
#include <utility>

#include "http/grammar.h"
#include "http/lines.h"
#include "http/reader.h"

namespace badorigin::http {

void reader::add_content(std::string_view bytes) {
    current_.content_size += bytes.size();
    content_.add(bytes);
    // behind a hole the kept start would not be the content's start any more
    if (!current_.gap && current_.content_start.size() < limits_.keep_content)
        current_.content_start += bytes.substr(0, limits_.keep_content - current_.content_start.size());
}

std::size_t reader::read_body(std::string_view bytes) {
    if (state_ != state::body_until_close)
        bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size())));
    add_content(bytes);
    position_ += bytes.size();
    current_.end = position_;
    if (state_ == state::body_until_close) return bytes.size();
    remaining_ -= bytes.size();
    if (remaining_ == 0) {
        if (state_ == state::body_length) {
            finish(true);
        } else {
            state_ = state::chunk_end;
        }
    }
    return bytes.size();
}

/// A body may have any number of chunks: what is wrong with many of them is told of the first ones, and whatever is wrong at least once.
void reader::name_in_chunks(const anomaly_at& found) {
    constexpr std::size_t told = 1024;
    if (current_.anomalies.size() < told || !current_.has(found.what)) current_.anomalies.push_back(found);
}

std::size_t reader::read_chunk_header(std::string_view bytes) {
    taken raw = take_line(bytes);
    if (raw.oversize) {
        name(anomaly::bad_chunk_size, raw.offset);
        break_chunking(raw);
        return raw.used;
    }
    if (!raw.whole) return raw.used;
    anomalies found;
    auto size = read_chunk_size(read_line_end(raw.text, raw.offset, found), found);
    for (const anomaly_at& one : found) name_in_chunks(one);
    if (!size) {
        break_chunking(raw);
        return raw.used;
    }
    line_.clear();
    remaining_ = *size;
    section_begin_ = position_;  // of the trailer section, if this was the last chunk
    state_ = *size == 0 ? state::trailer : state::chunk_data;
    return raw.used;
}

/// Behind an unreadable chunk header nothing is known of the framing: the message ends before it, broken. The line itself may be the next
/// message's start line (the last chunk was left out), so it is looked at again.
void reader::break_chunking(const taken& raw) {
    std::string again{raw.text};
    if (raw.whole) again += '\n';
    line_.clear();
    position_ = raw.offset;
    state_ = state::resync;
    line_too_long_ = false;
    finish(false);
    feed(again);
}

/// line_ holds the CR, once it came.
std::size_t reader::read_chunk_end(std::string_view bytes) {
    char byte = bytes[0];
    if (byte == '\r' && line_.empty()) {
        line_ = "\r";
        ++position_;
        return 1;
    }
    if (line_.empty() || byte != '\n') name_in_chunks({anomaly::bad_chunk_end, position_ - line_.size()});
    line_.clear();
    std::size_t used = byte == '\n' ? 1 : 0;  // anything else is read as the next chunk's header
    position_ += used;
    section_begin_ = position_;
    state_ = state::chunk_size;
    return used;
}

std::size_t reader::resync_request(std::string_view bytes) {
    std::size_t lf = bytes.find('\n');
    std::string_view part = bytes.substr(0, lf);
    if (line_too_long_ || line_.size() + part.size() > limits_.header_bytes) {
        line_too_long_ = lf == std::string_view::npos;
        line_.clear();
    } else if (lf == std::string_view::npos) {
        line_ += part;
    } else {
        stream_offset offset = position_ - line_.size();
        line_ += part;
        if (auto found = find_request_line(line_)) {
            position_ += part.size() + 1;
            begin(offset + *found);
            state_ = state::start_line;
            std::string text = std::exchange(line_, {}).substr(*found);
            read_header_line({.used = 0, .whole = true, .oversize = false, .text = text, .offset = offset + *found});
            return part.size() + 1;
        }
        line_.clear();
    }
    std::size_t used = lf == std::string_view::npos ? bytes.size() : lf + 1;
    position_ += used;
    return used;
}

/// "HTTP/1.d ddd", anywhere: bodies seldom end with a line end. line_ holds what fits so far; H occurs at its beginning only, so a byte
/// that does not fit can at most begin anew.
std::size_t reader::resync_response(std::string_view bytes) {
    static constexpr std::string_view pattern = "HTTP/1.d ddd";
    std::size_t used = 0;
    while (used < bytes.size()) {
        if (line_.empty()) {
            std::size_t skipped = std::min(bytes.find('H', used), bytes.size()) - used;
            used += skipped;
            position_ += skipped;
            if (used == bytes.size()) break;
        }
        char byte = bytes[used];
        char wanted = pattern[line_.size()];
        if (wanted == 'd' ? is_digit(byte) : byte == wanted) {
            line_ += byte;
        } else {
            line_.assign(byte == 'H' ? "H" : "");
        }
        ++used;
        ++position_;
        if (line_.size() < pattern.size()) continue;
        if (!lost_ && awaited_methods_.empty()) {
            line_.clear();
            continue;
        }
        begin(position_ - pattern.size());
        state_ = state::start_line;
        break;
    }
    return used;
}

// ---- holes and ends

void reader::lose_message() {
    current_.gap = true;
    if (!current_.header_complete && current_.framing != framing::headerless) answer_awaited();
    line_.clear();
    state_ = state::resync;
    lost_ = true;
    line_too_long_ = false;
    finish(false);
}

void reader::gap(std::uint64_t length) {
    if (length == 0) return;
    switch (state_) {
        case state::start:
        case state::resync:
            if (begun_) {
                lose_message();
                break;
            }
            if (probing_ && (awaited_methods_.empty() || after_close_)) sink_.on_stray(probe_at_, anomaly::bytes_after_message);
            line_.clear();
            state_ = state::resync;
            lost_ = true;
            probing_ = after_bodiless_ = after_close_ = after_http_09_ = line_too_long_ = false;
            break;
        case state::start_line:
        case state::header:
        case state::chunk_size:
        case state::chunk_end:
        case state::trailer:
            lose_message();
            break;
        case state::chunk_data:
            if (length > remaining_) {
                lose_message();
                break;
            }
            current_.gap = true;
            remaining_ -= length;
            if (remaining_ == 0) state_ = state::chunk_end;
            break;
        case state::body_length: {
            current_.gap = true;
            std::uint64_t inside = std::min(length, remaining_);
            position_ += inside;
            remaining_ -= inside;
            if (remaining_ == 0) finish(true);
            if (length > inside) gap(length - inside);
            return;
        }
        case state::body_until_close:
            current_.gap = true;
            break;
        case state::tunnel:
        case state::skip:
        case state::ended:
            break;
    }
    position_ += length;
}

void reader::truncate(stream_end how, anomaly what) {
    if (how == stream_end::capture_ended) {
        current_.gap = true;
    } else {
        name(what, position_);
    }
    finish(false);
}

void reader::end(stream_end how) {
    state was = std::exchange(state_, state::ended);
    if (probing_) {
        probing_ = false;
        if (awaited_methods_.empty() || after_close_) {
            sink_.on_stray(probe_at_, anomaly::bytes_after_message);
        } else {
            begin(probe_at_);
        }
    }
    if (!begun_) return;
    if (was == state::start || was == state::start_line || was == state::header) {
        answer_awaited();
        truncate(how, anomaly::truncated_header);
    } else if (was == state::body_until_close && how == stream_end::fin) {
        finish(true);
        state_ = state::ended;
    } else {
        truncate(how, anomaly::truncated_body);
    }
}

void reader::become_tunnel() {
    bool cut = begun_;
    state_ = state::tunnel;
    line_.clear();
    probing_ = false;
    if (cut) {
        current_.framing = framing::tunnel;
        finish(false);
    }
}

}  // namespace badorigin::http
