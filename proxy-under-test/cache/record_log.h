// The log of the cache: a record a line, as `varnishlog -g raw` prints them, `    NUMBER Tag            SIDE VALUE`. It goes to a file,
// whole, and to whoever reads it over the control socket; where nobody does, no record is made.
//
// Readers share one ring, which is there only while they are. A reader that is slower than the cache loses the oldest records and finds
// in their place one that counts them: `VSL - lost N records`.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proxy-under-test/cache/record_ring.h"

namespace badorigin::cache {

class record_log {
public:
    static constexpr std::size_t least_memory = 64 * 1024;

    /// An empty path: no file. Throws std::runtime_error where it cannot be written.
    record_log(boost::asio::io_context& io, const std::string& path);
    ~record_log();
    record_log(const record_log&) = delete;
    record_log& operator=(const record_log&) = delete;

    bool wanted() const { return file_ || ring_; }
    /// `side`: 'c' of a client, 'b' of an origin, '-' neither; `number`: of the transaction, 0 where there is none. Control bytes of the
    /// value are shown as \n, \x1b; of one that is too long for the ring, the end is cut off and its length told.
    void put(std::uint64_t number, std::string_view tag, char side, std::string_view value);

    /// From now on. Ends with its owner, and before the log.
    class reader {
    public:
        explicit reader(record_log& of);
        ~reader();
        reader(const reader&) = delete;
        reader& operator=(const reader&) = delete;
        /// Some lines; empty: there is nothing now.
        std::string take(std::size_t most);
        /// Calls once, when there is something new. At most one call is owed.
        void wait(std::function<void()> wake) { wake_ = std::move(wake); }

    private:
        friend class record_log;
        record_log& log_;
        record_ring::place at_;
        std::function<void()> wake_;
    };

    std::size_t memory = 1024 * 1024;  ///< of the ring; counts for the next that is made
    std::size_t readers() const { return readers_.size(); }
    std::size_t held() const { return ring_ ? ring_->used() : 0; }

private:
    boost::asio::io_context& io_;
    std::FILE* file_ = nullptr;
    bool to_be_flushed_ = false;
    std::optional<record_ring> ring_;
    std::vector<reader*> readers_;
    std::string line_;
};

}  // namespace badorigin::cache
