#include "proxy-under-test/cache/record_ring.h"

#include <algorithm>

namespace badorigin::cache {

/// Behind the line feed of the line that begins at `from`.
std::uint64_t record_ring::line_end(std::uint64_t from) const {
    const auto at = from % size();
    const auto found = bytes_.find('\n', at);
    if (found != std::string::npos) return from + (found - at) + 1;
    return from + (size() - at) + bytes_.find('\n') + 1;
}

std::string record_ring::copy(std::uint64_t from, std::uint64_t to) const {
    auto out = bytes_.substr(from % size(), to - from);
    return out += bytes_.substr(0, (to - from) - out.size());
}

void record_ring::put(std::string_view line) {
    while (used() + line.size() > size()) {
        first_.byte = line_end(first_.byte);
        ++first_.number;
    }
    const auto at = end_.byte % size();
    const auto before_wrap = std::min(line.size(), size() - at);
    bytes_.replace(at, before_wrap, line.substr(0, before_wrap));
    bytes_.replace(0, line.size() - before_wrap, line.substr(before_wrap));
    end_.byte += line.size();
    ++end_.number;
}

record_ring::taken record_ring::take(place& from, std::size_t most) const {
    taken out;
    if (from.byte < first_.byte) {
        out.lost = first_.number - from.number;
        from = first_;
    }
    auto to = from;
    while (to.byte < end_.byte) {
        const auto next = line_end(to.byte);
        if (to.byte > from.byte && next - from.byte > most) break;
        to = {next, to.number + 1};
    }
    out.lines = copy(from.byte, to.byte);
    from = to;
    return out;
}

}  // namespace badorigin::cache
