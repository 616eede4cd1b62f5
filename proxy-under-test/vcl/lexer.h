// Source text to tokens. A word holds its dots and dashes ("req.http.Content-Type" is one word); a number with a unit behind it is
// one token with its value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/vcl/source.h"
#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

struct token {
    enum class kind { word, text, integer, real, duration, bytes, symbol, end };
    kind what = kind::end;
    std::string text;  ///< the word, the string's content, the symbol, or the number as written
    value number;      ///< of the four kinds of number
    place at, behind;  ///< its first byte, and the first that is no longer part of it

    bool is(std::string_view symbol_or_word) const { return (what == kind::symbol || what == kind::word) && text == symbol_or_word; }
    std::string shown() const;  ///< for messages
};

/// For messages: quoted, cut when long.
std::string quoted(std::string_view text);

/// All tokens of one source, ended by one of kind end. Complains about what is no token, and goes on behind it.
std::vector<token> tokenize(sources& all, std::uint32_t which);

/// Seconds to nanoseconds, kept within what fits.
std::chrono::nanoseconds nanoseconds_of(double seconds);
/// "ms", "s", "m", "h", "d", "w", "y" in seconds; 0 for anything else.
double duration_unit(std::string_view unit);
/// "b", "kb", "mb", "gb", "tb" (any case) in bytes; 0 for anything else.
double bytes_unit(std::string_view unit);

}  // namespace badorigin::cache::vcl
