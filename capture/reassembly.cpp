#include "capture/reassembly.h"

#include <algorithm>

namespace badorigin::capture {
namespace {
constexpr std::int64_t largest_window = 1 << 30;  // RFC 7323
constexpr std::size_t remembered = 4096;
constexpr std::size_t cost_of_a_piece = 160;  // of its node, so that empty and tiny pieces count as well
}  // namespace

void reassembly::pass(std::string_view delivered) {
    next_ += delivered.size();
    if (delivered.size() >= remembered) {
        tail_.assign(delivered.substr(delivered.size() - remembered));
        return;
    }
    if (tail_.size() + delivered.size() > 2 * remembered) tail_.erase(0, tail_.size() - (remembered - delivered.size()));
    tail_.append(delivered);
}

void reassembly::acknowledge(std::int64_t to, const frame_ref& by) {
    if (to <= 0 || static_cast<http::stream_offset>(to) <= acknowledged_ || to > static_cast<std::int64_t>(next_) + largest_window) return;
    acknowledged_ = static_cast<http::stream_offset>(to);
    acknowledged_by_ = by;
}

void reassembly::ends_at(std::int64_t at, const frame_ref& by) {
    if (at < 0 || end_ || at > static_cast<std::int64_t>(next_) + largest_window) return;
    end_ = static_cast<http::stream_offset>(at);
    if (*end_ > bound_) {
        bound_ = *end_;
        bound_by_ = by;
    }
}

void reassembly::reset_at(std::int64_t at, const frame_ref& by) {
    if (at < 0 || at > static_cast<std::int64_t>(next_) + largest_window || static_cast<http::stream_offset>(at) <= bound_) return;
    bound_ = static_cast<http::stream_offset>(at);
    if (end_) bound_ = std::min(bound_, *end_);  // a RST behind a FIN counts the FIN
    bound_by_ = by;
}

bool reassembly::differs(std::int64_t offset, std::string_view bytes) const {
    const auto known_to = static_cast<std::int64_t>(next_);
    const std::int64_t known_from = known_to - static_cast<std::int64_t>(tail_.size());
    const std::int64_t from = std::max(offset, known_from);
    const std::int64_t to = std::min(offset + static_cast<std::int64_t>(bytes.size()), known_to);
    if (from >= to) return false;
    const auto length = static_cast<std::size_t>(to - from);
    return bytes.substr(static_cast<std::size_t>(from - offset), length) !=
           std::string_view(tail_).substr(static_cast<std::size_t>(from - known_from), length);
}

void reassembly::keep(http::stream_offset offset, waiting_piece piece) {
    bytes_waiting_ += piece.bytes.size() + cost_of_a_piece;
    waiting_.emplace(offset, std::move(piece));
}

waiting_piece reassembly::take_front() {
    waiting_piece piece = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    bytes_waiting_ -= piece.bytes.size() + cost_of_a_piece;
    return piece;
}

frame_ref reassembly::oldest_waiting() const {
    frame_ref oldest;
    for (const auto& [offset, piece] : waiting_)
        if (!oldest || piece.frame.number < oldest.number) oldest = piece.frame;
    return oldest;
}

std::optional<reassembly::missing> reassembly::acknowledged_hole() const {
    http::stream_offset to = acknowledged_;
    if (end_) to = std::min(to, *end_);
    if (!waiting_.empty()) to = std::min(to, first_waiting());
    if (to <= next_) return {};
    return missing{to, !waiting_.empty() && to == first_waiting() ? front().frame : acknowledged_by_};
}

std::optional<reassembly::missing> reassembly::final_hole() const {
    if (!waiting_.empty()) {
        if (first_waiting() <= next_) return {};
        return missing{first_waiting(), front().frame};
    }
    if (auto hole = acknowledged_hole(); hole && hole->to >= bound_) return hole;
    if (bound_ > next_) return missing{bound_, bound_by_};
    return {};
}

}  // namespace badorigin::capture
