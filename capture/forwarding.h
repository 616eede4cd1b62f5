// Who asked, without tokens: to which client exchange an exchange of the origin leg belongs.
//
// Ids that both legs carry come first. Else the client exchanges are looked at that could have caused it: same method and target, request
// there, answer not begun (a cache that is answering already waits for nothing, unless it refreshes in the background). What is left is
// narrowed down: by what only one of them has in common with the origin's request, each step keeping the best. One left: joined, and the
// step that decided is named. Several left: ambiguous, and said so. Only ids, and requests that nothing but a client can have caused, are
// certain.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "capture/deliveries.h"
#include "capture/exchange.h"

namespace badorigin::capture {

/// How far the order of two frames may be wrong because their clocks were apart.
using clock_doubt = std::function<nanoseconds(const frame_ref& a, const frame_ref& b)>;

/// As `join`, for captures made elsewhere. `doubt` may be empty: one file, whose order is that of its frames.
std::vector<transaction> join_without_tokens(const std::vector<exchange_ptr>& exchanges, const clock_doubt& doubt);

/// The same while the exchanges come. Memory is bounded by what is not settled: a client's transaction is when no request that begins later
/// can belong to it, a quarter of a second after its answer, or a whole one after a failure.
class joiner {
public:
    explicit joiner(clock_doubt doubt);
    ~joiner();
    joiner(const joiner&) = delete;
    joiner& operator=(const joiner&) = delete;

    /// In order of their first byte, with their legs.
    void add(const exchange_ptr& e);
    /// Nothing that begins before that frame is missing any more; without a frame: nothing at all.
    void advance(const frame_ref& to);

    struct settled {
        std::vector<transaction> transactions;  ///< in order of the client request's first byte; those without a client last
        std::vector<transaction> elsewhere;     ///< as in evidence, of what the transactions rest on
        frame_number to = 0;                    ///< every transaction that begins before this frame was given out
    };
    /// What is settled; of clients at most `keep` are kept back that are not.
    settled take(std::size_t keep);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace badorigin::capture
