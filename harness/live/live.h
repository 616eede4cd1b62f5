// Live traffic, looked at while it goes on. It is recorded into a file of its own, and the file is read again from its beginning whenever
// it has grown: the same code reads it, so that what is seen live is what a capture would give. Reading takes at most a tenth of the time,
// so the longer it goes on the later things show; it is for watching, not for weeks.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "capture/evidence.h"
#include "capture/recorder.h"

namespace badorigin::live {

struct settings {
    std::string interface = "lo", filter = "tcp";
    std::vector<std::string> proxies;  ///< as capture::foreign_settings has them
};

/// What was seen so far, and what of it cannot change any more: exchanges of transactions that are over, and sessions whose transactions
/// are.
class view {
public:
    view(capture::evidence&& evidence, capture::nanoseconds now);
    /// Of a capture that has ended, where all is over.
    explicit view(capture::evidence&& evidence) : evidence_{std::move(evidence)}, ended_{true} {}

    const capture::evidence& evidence() const { return evidence_; }
    /// `session`: the id of a connection; 0: none is spoken of.
    bool over(const std::vector<std::uint64_t>& exchanges, std::uint64_t session = 0) const;

private:
    capture::evidence evidence_;
    bool ended_ = false;
    std::unordered_set<std::uint64_t> exchanges_, sessions_;
};

class follower {
public:
    /// Begins to capture. Throws std::runtime_error with a sentence.
    explicit follower(settings asked);
    ~follower();
    follower(const follower&) = delete;
    follower& operator=(const follower&) = delete;

    /// Waits as long at most, or until a signal comes; null: there is nothing new. Throws where recording fails.
    std::shared_ptr<const view> look(std::chrono::milliseconds patience);
    /// Ends the capture: all that was seen; null: nothing was. Call once.
    std::shared_ptr<const view> end();
    /// After the end.
    std::uint64_t kernel_drops() const { return kernel_drops_; }

private:
    class private_file;
    const settings asked_;
    std::unique_ptr<private_file> file_;
    std::unique_ptr<capture::recorder> recorder_;
    std::chrono::steady_clock::time_point next_;
    std::uint64_t kernel_drops_ = 0;
};

/// The same in every view, where numbers may shift when earlier traffic is understood later.
std::string key_of(const capture::exchange& what);
std::vector<std::uint64_t> exchanges_of(const capture::transaction& t);

}  // namespace badorigin::live
