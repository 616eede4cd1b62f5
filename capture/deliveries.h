// Which origin's response a client got, without serials.
#pragma once

#include <memory>
#include <vector>

#include "capture/exchange.h"
#include "capture/recent.h"

namespace badorigin::capture {

/// An origin's exchange, and who it was asked for.
struct cause {
    exchange_ptr origin, client;  ///< client null: nobody, or one of the candidates
    std::vector<exchange_ptr> candidates;
    confidence joined = confidence::certain;
    std::string_view by;
};
using cause_ptr = std::shared_ptr<const cause>;

/// Told of the answers of both legs in the order in which they came: what an origin answers later was not delivered. Answers that nobody
/// got for long are forgotten.
class deliveries {
public:
    void answered(cause_ptr o);
    /// Fills `delivered_from` of an answered client's transaction: by the harness's serial, by the fetch that X-Varnish names, by the
    /// transaction's own fetches, else by content and by Date, ETag and Last-Modified where only one response so far has them. Returns who
    /// it was asked for, where that is not one of the transaction's own fetches.
    cause_ptr deliver(transaction& t);

private:
    template <class Key>
    using known = recent<Key, cause_ptr, std::size_t{1} << 14>;
    static void add(known<std::uint64_t>& to, std::uint64_t key, const cause_ptr& e);
    cause_ptr source_of(const exchange& c);

    known<std::string> by_serial_;
    known<std::uint64_t> by_fetch_, dated_, by_content_;  // of the last two, null: several responses have the key
};

}  // namespace badorigin::capture
