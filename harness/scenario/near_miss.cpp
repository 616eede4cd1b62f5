#include <algorithm>
#include <numeric>

#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

namespace {

constexpr std::size_t longest_word = 64;

std::string folded(std::string_view word) {
    std::string out{word};
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (c == '-') c = '_';
    }
    return out;
}

/// Letters inserted, dropped, replaced, or two neighbours swapped.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, now);
    }
    return last[b.size()];
}

}  // namespace

std::string near_miss(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.empty() || word.size() > longest_word) return {};
    const auto wanted = folded(word);
    const auto allowed = std::max<std::size_t>(1, wanted.size() / 3);
    std::string best;
    auto best_distance = allowed + 1;
    for (const auto& candidate : candidates) {
        if (candidate.size() > longest_word) continue;
        const auto d = distance(wanted, folded(candidate));
        if (d < best_distance && d < candidate.size()) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

}  // namespace badorigin::scenario
