#include "fake-backends/framing.h"

#include <algorithm>
#include <charconv>

#include "fake-backends/wire_text.h"
#include "http/proxy_header.h"

namespace badorigin::peers {

namespace {

template <typename Number>
bool read_number(std::string_view text, Number& out, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

request_facts wire_reader::take_request() {
    auto taken = std::move(requests_.front());
    requests_.pop_front();
    return taken;
}

void wire_reader::feed(std::string_view bytes) {
    if (!first_ || side_ == side::responses) return read(bytes);
    first_bytes_ += bytes;
    const auto header = http::read_proxy_header(first_bytes_);
    if (header.what == http::proxy_header::found::part) return;
    first_ = false;
    read(std::string_view(first_bytes_).substr(header.size));
    first_bytes_.clear();
}

void wire_reader::read(std::string_view bytes) {
    while (!bytes.empty()) {
        switch (state_) {
            case state::broken:
            case state::until_close:
                return;
            case state::body:
            case state::chunk_data: {
                const auto taken = std::min<std::uint64_t>(left_, bytes.size());
                bytes.remove_prefix(taken);
                left_ -= taken;
                if (left_ > 0) break;
                if (state_ == state::body) {
                    message_ended();
                } else {
                    state_ = state::chunk_end;
                }
                break;
            }
            default: {
                const auto end = bytes.find('\n');
                const auto taken = end == bytes.npos ? bytes.size() : end + 1;
                line_ += bytes.substr(0, taken);
                bytes.remove_prefix(taken);
                if (header_size_ + line_.size() > longest_header) {
                    state_ = state::broken;
                } else if (end != bytes.npos || line_.ends_with('\n')) {
                    header_size_ += line_.size();
                    line_.pop_back();
                    if (line_.ends_with('\r')) line_.pop_back();
                    const std::string whole = std::exchange(line_, {});
                    line(whole);
                }
            }
        }
    }
}

void wire_reader::end() {
    if (state_ == state::until_close) {
        message_ended();
        last_ = true;
    }
}

void wire_reader::line(std::string_view text) {
    switch (state_) {
        case state::start_line:
            if (!text.empty()) start(text);
            break;
        case state::fields:
            text.empty() ? head_ended() : field_line(text);
            break;
        case state::chunk_size: {
            header_size_ = 0;  // chunk headers are no header section: a body may have any number of them
            const auto size = trimmed(text.substr(0, text.find(';')));
            if (!read_number(size, left_, 16)) {
                state_ = state::broken;
            } else {
                state_ = left_ == 0 ? state::trailer : state::chunk_data;
            }
            break;
        }
        case state::chunk_end:
            state_ = text.empty() ? state::chunk_size : state::broken;
            break;
        case state::trailer:
            if (text.empty()) message_ended();
            break;
        default:
            break;
    }
}

void wire_reader::start(std::string_view text) {
    current_ = {};
    state_ = state::fields;
    const auto first = text.find(' ');
    if (side_ == side::responses) {
        const auto code = first == text.npos ? std::string_view{} : text.substr(first + 1, 3);
        if (!text.starts_with("HTTP/1.") || first != 8 || !read_number(code, current_status_, 10)) {
            state_ = state::broken;
            return;
        }
        current_.version = text.substr(5, 3);
        return;
    }
    const auto last = text.rfind(' ');
    if (first == text.npos || last == first || !text.substr(last + 1).starts_with("HTTP/1.") || text.size() != last + 9) {
        state_ = state::broken;
        return;
    }
    current_.method = text.substr(0, first);
    current_.target = text.substr(first + 1, last - first - 1);
    current_.version = text.substr(last + 6);
}

void wire_reader::field_line(std::string_view text) {
    if (text.front() == ' ' || text.front() == '\t') {
        if (!current_.fields.empty()) (current_.fields.back().second += ' ') += trimmed(text);
        return;
    }
    const auto colon = text.find(':');
    if (colon == text.npos || colon == 0) {
        if (side_ == side::requests) state_ = state::broken;
        return;
    }
    current_.fields.emplace_back(trimmed(text.substr(0, colon)), trimmed(text.substr(colon + 1)));
}

void wire_reader::head_ended() {
    side_ == side::requests ? request_head_ended() : response_head_ended();
}

bool wire_reader::body_framing() {
    if (field_value(current_.fields, "Transfer-Encoding") != nullptr) {
        state_ = lists_token(current_.fields, "Transfer-Encoding", "chunked") ? state::chunk_size : state::broken;
        return true;
    }
    const auto* length = field_value(current_.fields, "Content-Length");
    if (length == nullptr) return false;
    const bool unlike = std::ranges::any_of(
        current_.fields, [&](const auto& field) { return same_text(field.first, "Content-Length") && field.second != *length; });
    state_ = unlike || !read_number(std::string_view(*length), left_, 10) ? state::broken : state::body;
    return true;
}

void wire_reader::request_head_ended() {
    const bool framed = body_framing();
    if (state_ == state::broken) return;
    current_.body_announced = framed && (state_ == state::chunk_size || left_ > 0);
    last_ = lists_token(current_.fields, "Connection", "close") ||
            (current_.version == "1.0" && !lists_token(current_.fields, "Connection", "keep-alive"));
    ++heads_;
    requests_.push_back(current_);
    if (!current_.body_announced) message_ended();
}

void wire_reader::response_head_ended() {
    if (current_status_ >= 100 && current_status_ < 200 && current_status_ != 101) {
        state_ = state::start_line;
        header_size_ = 0;
        return;
    }
    std::string method = "GET";
    if (!awaited_.empty()) {
        method = std::move(awaited_.front());
        awaited_.pop_front();
    }
    ++heads_;
    status_ = current_status_;
    last_ = lists_token(current_.fields, "Connection", "close") ||
            (current_.version == "1.0" && !lists_token(current_.fields, "Connection", "keep-alive"));
    if (status_ == 101 || (method == "CONNECT" && status_ / 100 == 2)) {
        message_ended();
        last_ = true;
        state_ = state::broken;  // a tunnel: not HTTP any more
    } else if (method == "HEAD" || status_ == 204 || status_ == 304) {
        message_ended();
    } else if (!body_framing()) {
        last_ = true;
        state_ = state::until_close;
    } else if (state_ == state::body && left_ == 0) {
        message_ended();
    }
}

void wire_reader::message_ended() {
    ++complete_;
    header_size_ = 0;
    state_ = state::start_line;
}

}  // namespace badorigin::peers
