// What the bundled cache has logged of a run by itself (docs/log.md), to be shown beside the packets: the likely cause of what these prove.
// Nothing here decides anything, so nothing that judges may use it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "capture/exchange.h"

namespace badorigin::report {

class own_log {
public:
    /// Of a bundle's folder; null: it has none.
    static std::shared_ptr<const own_log> of_bundle(const std::string& folder);
    /// Lines as `varnishlog -g raw` prints them; others are left out.
    explicit own_log(std::string_view lines);

    enum class part { all, beyond_packets };  ///< the latter: decisions and their reasons, without messages and times
    /// The transaction that an exchange is, as its proxy has logged it. Empty: it has not, or it cannot be told which.
    std::string text(const capture::exchange& what, part shown) const;

private:
    struct entry {
        std::string tag, value;
    };
    void take(std::uint64_t number, entry what);
    void begin(const std::string& connection);

    std::map<std::uint64_t, std::vector<entry>> transactions_;
    std::map<std::uint64_t, std::string> sessions_;                    ///< by number: "ADDRESS PORT" of the client
    std::map<std::string, std::vector<std::uint64_t>> on_connection_;  ///< requests by the asking end, in order
    std::set<std::string> ambiguous_;                                  ///< ends that several connections had
};

}  // namespace badorigin::report
