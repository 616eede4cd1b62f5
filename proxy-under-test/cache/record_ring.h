// The records of the log, each a line, in a fixed number of bytes: a new one overwrites the oldest. Readers keep their own place in it, so
// that who writes never waits, and who reads too slowly is told how many records it has missed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace badorigin::cache {

class record_ring {
public:
    explicit record_ring(std::size_t size) : bytes_(size, '\0') {}

    /// `line` ends in its only line feed, and is no longer than size().
    void put(std::string_view line);

    /// The next record to be read: its byte and its number, both counted from the first that was ever put.
    struct place {
        std::uint64_t byte = 0, number = 0;
    };
    place end() const { return end_; }

    struct taken {
        std::string lines;
        std::uint64_t lost = 0;  ///< overwritten before they were read; they stood before these lines
    };
    /// Whole records from `from` on, at least one if there is one, and no more than fit into `most` bytes else. `from` moves behind them.
    taken take(place& from, std::size_t most) const;

    std::size_t size() const { return bytes_.size(); }
    std::size_t used() const { return static_cast<std::size_t>(end_.byte - first_.byte); }

private:
    std::uint64_t line_end(std::uint64_t from) const;
    std::string copy(std::uint64_t from, std::uint64_t to) const;

    std::string bytes_;  ///< byte n of the log stands at n modulo the size
    place first_, end_;
};

}  // namespace badorigin::cache
