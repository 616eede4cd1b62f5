#include "proxy-under-test/cache/partial_content.h"

#include <charconv>
#include <iterator>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

void partial_content::add(std::uint64_t first, std::string_view bytes) {
    if (bytes.empty()) return;
    std::string joined(bytes);
    auto begin = first;
    auto at = pieces_.upper_bound(first);
    if (at != pieces_.begin()) --at;
    while (at != pieces_.end() && at->first <= first + bytes.size()) {
        const auto& [place, piece] = *at;
        const auto end = place + piece.size();
        if (end < first) {
            ++at;
            continue;
        }
        if (end > first + bytes.size()) joined.append(piece, first + bytes.size() - place);
        if (place < first) {
            joined.insert(0, piece, 0, first - place);
            begin = place;
        }
        at = pieces_.erase(at);
    }
    pieces_.insert_or_assign(begin, std::move(joined));
}

std::optional<std::string_view> partial_content::find(const byte_range& wanted) const {
    const auto behind = pieces_.upper_bound(wanted.first);
    if (behind == pieces_.begin()) return std::nullopt;
    const auto& [place, piece] = *std::prev(behind);
    if (wanted.last >= place + piece.size()) return std::nullopt;
    return std::string_view(piece).substr(wanted.first - place, wanted.last - wanted.first + 1);
}

byte_range partial_content::missing() const {
    byte_range out{0, length_ - 1};
    if (pieces_.empty()) return out;
    const auto& [first, head] = *pieces_.begin();
    if (first == 0) out.first = head.size();
    const auto& [last, tail] = *pieces_.rbegin();
    if (last + tail.size() == length_) out.last = last - 1;
    return out;
}

std::uint64_t partial_content::held() const {
    std::uint64_t sum = 0;
    for (const auto& [place, piece] : pieces_) sum += piece.size();
    return sum;
}

std::optional<placed_range> parse_content_range(std::string_view field) {
    constexpr std::string_view unit = "bytes ";
    if (!same_name(field.substr(0, unit.size()), unit)) return std::nullopt;
    const char *at = field.data() + unit.size(), *const end = field.data() + field.size();
    const auto number = [&](std::uint64_t& into, char behind) {
        const auto [stop, wrong] = std::from_chars(at, end, into);
        if (wrong != std::errc() || (behind != '\0' ? stop == end || *stop != behind : stop != end)) return false;
        at = stop + (behind != '\0' ? 1 : 0);
        return true;
    };
    placed_range out;
    if (!number(out.range.first, '-') || !number(out.range.last, '/') || !number(out.length, '\0')) return std::nullopt;
    if (out.range.first > out.range.last || out.range.last >= out.length) return std::nullopt;
    return out;
}

}  // namespace badorigin::cache
