// Which recorded answer an arriving request gets. The proxy now may cache otherwise than the one then, so requests come in another order,
// and others come: the n-th request gets the n-th answer only by chance.
//
// - The token says on whose behalf a request comes. If an origin answered the same for that client then, it gets that answer: the first
//   attempt the first, the second the second.
// - Else (it was answered from the store then, or it is not known who asks) what the origin would have said at that moment of the
//   recording: of the answers for the same method and target whose origin and fields agree best (Host, what responses vary by, Range,
//   credentials) the last one that began before; none did: the first.
// - 304 goes to a request with the same validators only, 206 to one with the same Range only; others get the whole answer.
// - A request that nothing recorded fits is answered 501 and told. Nothing is guessed.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/traffic/pace.h"
#include "harness/traffic/recording.h"
#include "harness/traffic/storms.h"

namespace badorigin::traffic {

inline constexpr int no_answer_recorded = 501;

struct answer_counts {
    std::size_t by_client = 0;      ///< recorded for the same client's request
    std::size_t by_likeness = 0;    ///< recorded for another request for the same, of the same fields
    std::size_t other_variant = 0;  ///< … of other fields
    std::size_t struck = 0;         ///< by a storm
    std::size_t unknown = 0;
    std::vector<std::string> unknown_requests;  ///< "GET /page", the first of them
};

class answers {
public:
    /// The recording and the storms must outlive it.
    answers(const recording& from, pace how, std::span<const storm> storms);

    /// Playing begins.
    void begin(nanoseconds unix_now);
    /// What the origin answers; `now` is Unix time.
    peers::reply to(std::string_view origin, const peers::request_facts& asked, nanoseconds now);
    /// The request of a turn as its client made it.
    peers::request request(std::size_t ask) const;

    const answer_counts& counts() const { return counts_; }
    const date_shift& shift() const { return shift_; }

private:
    struct choice {
        std::size_t answer = nobody;
        bool same_client = false, same_fields = true;
    };
    using indices = std::vector<std::size_t>;

    const indices* recorded_for(const peers::request_facts& asked, std::string_view target) const;
    choice choose(std::string_view origin, const peers::request_facts& asked, std::string_view target, std::size_t asker,
                  nanoseconds recorded);
    bool fits(const recorded_answer& one, const peers::request_facts& asked) const;
    std::size_t likeness(const recorded_answer& one, std::string_view origin, const peers::request_facts& asked) const;
    peers::reply made(const choice& from, nanoseconds now) const;
    peers::reply refusal(const peers::request_facts& asked, std::string_view target);

    const recording& from_;
    pace pace_;
    std::span<const storm> storms_;
    date_shift shift_;
    nanoseconds begun_{0};
    std::set<std::string> relevant_;                    ///< field names
    std::unordered_map<std::string, indices> by_line_;  ///< "GET /page" → answers in order
    std::vector<indices> by_asker_;
    std::vector<bool> used_;
    answer_counts counts_;
};

/// The ask that a token of the engine stands for ("k3f9-c17" is the 17th); nobody: none.
std::size_t ask_of_token(std::string_view token);

}  // namespace badorigin::traffic
