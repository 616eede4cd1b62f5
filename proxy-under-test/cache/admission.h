// The strict look at a raw message head before it is parsed.
//
// Two recipients that read the same bytes differently are how requests are smuggled and caches poisoned (RFC 9112 11.2), so whatever
// could be read in two ways is refused: parsers are lenient for historical reasons, and Beast's is no exception.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/cache/fields.h"

namespace badorigin::cache {

enum class side { request, response };

/// Collects a head, or a trailer section, octet by octet up to its empty line. Only CRLF ends a line; what cannot become one is refused
/// as soon as it shows.
class head_collector {
public:
    explicit head_collector(side of) : side_(of) {}
    static head_collector of_trailers();
    /// How many of the bytes belong to the head.
    std::expected<std::size_t, std::string> put(std::string_view bytes);
    bool complete() const { return complete_; }
    bool empty() const { return text_.empty(); }
    std::string& text() { return text_; }

private:
    std::optional<std::string> add(std::string_view octets);
    std::optional<std::string> start_line_refused();

    side side_;
    std::string text_;
    bool first_line_seen_ = false, complete_ = false;
};

/// The status for a request of which this is wrong: 414 or 431 where it is too long, else 400.
int refusal_status(std::string_view wrong);

struct admitted_head {
    std::string text;             ///< for the parser
    std::vector<field> restored;  ///< fields to add behind the parser's back; empty in an honest cache
};
/// What is wrong with a complete head, or the head.
std::expected<admitted_head, std::string> admit(std::string head, side of);
/// What is wrong with what a collector of trailers has, or the fields.
std::expected<std::vector<field>, std::string> admit_trailers(std::string_view section);

}  // namespace badorigin::cache
