#include "proxy-under-test/cache/request_body.h"

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr auto between_bytes = std::chrono::seconds(60);
constexpr std::uint64_t most_discarded = 1024 * 1024;
}  // namespace

awaitable<request_body::piece> request_body::next(std::string& into) {
    if (kept_) {
        if (std::exchange(replayed_, true) || copy_.empty()) co_return piece::end;
        into = copy_;
        co_return piece::content;
    }
    streamed_ = true;
    co_return co_await next_from_client(into);
}

awaitable<request_body::piece> request_body::next_from_client(std::string& into) {
    for (;;) {
        if (broken_) co_return piece::broken;
        if (!client_.input.empty() && !reader_.complete() && !reader_.put(client_.input)) broken_ = true;
        into = reader_.take_content();
        received_ += into.size();
        if (!into.empty()) co_return piece::content;
        if (reader_.complete()) co_return piece::end;
        if (broken_) co_return piece::broken;
        if (std::exchange(announced_, false)) {
            if (co_await client_.write("HTTP/1.1 100 Continue\r\n\r\n", {}, between_bytes) != io::ok) broken_ = true;
            continue;
        }
        const auto result = co_await client_.read(between_bytes);
        if (result == io::interrupted) co_return piece::interrupted;
        if (result == io::ok) continue;
        broken_ = true;
        if (const auto announced = length(); announced && planted(bug::pad_short_client_body)) {
            into.assign(*announced - received_, '\0');
            received_ = *announced;
            co_return into.empty() ? piece::end : piece::content;
        }
    }
}

bool request_body::rewind() {
    if (!present() || kept_) {
        replayed_ = false;
        return true;
    }
    return !streamed_;
}

awaitable<bool> request_body::keep(std::uint64_t most) {
    if (!present() || kept_) co_return true;
    std::string piece_of_it;
    for (;;) {
        switch (co_await next_from_client(piece_of_it)) {
            case piece::content:
                copy_ += piece_of_it;
                if (copy_.size() > most) co_return false;
                break;
            case piece::end:
                kept_ = true;
                co_return true;
            case piece::interrupted:
            case piece::broken:
                co_return false;
        }
    }
}

awaitable<bool> request_body::discard() {
    if (!present() || reader_.complete()) co_return true;
    if (awaits_permission()) co_return false;  // the client has not sent it and need not
    announced_ = false;                        // it sends unasked; a 100 (Continue) behind the final answer would belong to the next
    std::string piece_of_it;
    while (received_ <= most_discarded) {
        const auto got = co_await next_from_client(piece_of_it);
        if (got == piece::end) co_return true;
        if (got != piece::content) break;
    }
    co_return false;
}

}  // namespace badorigin::cache
