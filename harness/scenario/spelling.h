// The words that enumerations have in YAML, for reader and writer alike.
#pragma once

#include <array>
#include <string_view>

#include "harness/scenario/scenario.h"

namespace badorigin::scenario {

template <class Enum>
struct spelled {
    std::string_view text;
    Enum value;
};

inline constexpr std::array listening_words{
    spelled{"accept", peers::listening::accept},
    spelled{"refuse", peers::listening::refuse},
    spelled{"ignore", peers::listening::ignore},
    spelled{"never-read", peers::listening::never_read},
    spelled{"close-at-once", peers::listening::close_at_once},
};
inline constexpr std::array condition_words{
    spelled{"always", peers::condition::always},
    spelled{"fresh", peers::condition::fresh_connection},
    spelled{"reused", peers::condition::reused_connection},
    spelled{"conditional", peers::condition::conditional_request},
    spelled{"unconditional", peers::condition::unconditional_request},
};
inline constexpr std::array ending_words{
    spelled{"wait", peers::sending::ending::wait},
    spelled{"close", peers::sending::ending::close},
    spelled{"reset", peers::sending::ending::reset},
    spelled{"half-close", peers::sending::ending::half_close},
};
inline constexpr std::array proxy_act_words{
    spelled{"ban", proxy_act::what::ban},
    spelled{"reload", proxy_act::what::reload},
    spelled{"stop", proxy_act::what::stop},
};
inline constexpr std::array origin_act_words{
    spelled{"accept", origin_act::what::accept},
    spelled{"refuse", origin_act::what::refuse},
    spelled{"ignore", origin_act::what::ignore},
    spelled{"never-read", origin_act::what::never_read},
    spelled{"close-at-once", origin_act::what::close_at_once},
    spelled{"close-idle", origin_act::what::close_idle},
    spelled{"reset-idle", origin_act::what::reset_idle},
};

inline constexpr std::array demand_words{
    spelled{"required", demand::required},
    spelled{"advice", demand::advice},
    spelled{"optional", demand::optional},
};

template <class Words, class Enum>
constexpr std::string_view word_of(const Words& words, Enum value) {
    for (const auto& word : words) {
        if (word.value == value) return word.text;
    }
    return {};
}

}  // namespace badorigin::scenario
