#include "proxy-under-test/cache/record_log.h"

#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace badorigin::cache {

namespace {
void append_shown(std::string& to, std::string_view value) {
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
            to += c;
        } else {
            to += c == '\r' ? "\\r" : c == '\n' ? "\\n" : fmt::format("\\x{:02x}", byte);
        }
    }
}
}  // namespace

record_log::record_log(boost::asio::io_context& io, const std::string& path) : io_(io) {
    if (path.empty()) return;
    file_ = std::fopen(path.c_str(), "ae");
    if (!file_) throw std::runtime_error("Cannot write the log " + path);
}

record_log::~record_log() {
    if (file_) std::fclose(file_);
}

void record_log::put(std::uint64_t number, std::string_view tag, char side, std::string_view value) {
    if (!wanted()) return;
    const auto most = memory / 4;
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{:>10} {:<14} {} ", number, tag, side);
    append_shown(line_, value);
    if (line_.size() > most) {
        const auto cut = line_.size() - most;
        line_.resize(most);
        line_ += fmt::format("[and {} bytes]", cut);
    }
    line_ += '\n';
    if (file_) {
        std::fwrite(line_.data(), 1, line_.size(), file_);
        if (!std::exchange(to_be_flushed_, true)) {  // once for all that happens in one turn of the loop
            boost::asio::post(io_, [this] {
                to_be_flushed_ = false;
                std::fflush(file_);
            });
        }
    }
    if (!ring_) return;
    ring_->put(line_);
    for (auto* each : readers_) {
        if (auto wake = std::exchange(each->wake_, nullptr)) wake();
    }
}

record_log::reader::reader(record_log& of) : log_(of) {
    if (!log_.ring_) log_.ring_.emplace(log_.memory);
    at_ = log_.ring_->end();
    log_.readers_.push_back(this);
}

record_log::reader::~reader() {
    std::erase(log_.readers_, this);
    if (log_.readers_.empty()) log_.ring_.reset();
}

std::string record_log::reader::take(std::size_t most) {
    auto [lines, lost] = log_.ring_->take(at_, most);
    if (lost == 0) return std::move(lines);
    return fmt::format("{:>10} {:<14} - lost {} records\n", 0, "VSL", lost) + lines;
}

}  // namespace badorigin::cache
