// Cache-Control, read (RFC 9111 5.2), and what a client asks of a cache by it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

/// RFC 9111 1.2.2: a larger number of seconds is treated as this much.
inline constexpr std::int64_t most_seconds = std::int64_t(1) << 31;

/// A non-negative whole number, in its canonical or in a quoted form; none where it is anything else.
std::optional<nanoseconds> delta_seconds(std::string_view text);

class cache_directives {
public:
    explicit cache_directives(std::string value);

    bool has(std::string_view name) const;
    /// It is there without an argument.
    bool bare(std::string_view name) const;
    /// None: the directive is not there. 0: it has no value, a malformed one, or several that differ (RFC 9111 4.2.1).
    std::optional<nanoseconds> seconds(std::string_view name) const;

private:
    struct directive {
        std::string name;
        std::optional<std::string> argument;
    };
    std::vector<directive> all_;
};

/// The request directives of RFC 9111 5.2.1.
struct client_wishes {
    bool no_cache = false, no_store = false, only_if_cached = false;
    std::optional<nanoseconds> max_age, min_fresh, max_stale;

    /// Pragma: no-cache counts where there is no Cache-Control (RFC 9111 5.4).
    static client_wishes of(const field_list& request);
};

}  // namespace badorigin::cache
