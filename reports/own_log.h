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
    /// By the proxy's name ("" where there is one only): lines as `varnishlog -g raw` prints them; others are left out.
    explicit own_log(const std::map<std::string, std::string>& lines);

    enum class part { all, beyond_packets };  ///< the latter: decisions and their reasons, without messages and times
    /// The transaction that an exchange is, as its proxy has logged it, or both proxies where one asked the other. Empty: none has, or it
    /// cannot be told which.
    std::string text(const capture::exchange& what, part shown) const;

private:
    struct entry {
        std::string tag, value;
    };
    /// Of one proxy.
    struct records {
        explicit records(std::string_view lines);
        void take(std::uint64_t number, entry what);
        void begin(const std::string& connection);
        /// 0: none, or it cannot be told which.
        std::uint64_t number_of(const capture::exchange& what) const;

        std::map<std::uint64_t, std::vector<entry>> transactions;
        std::map<std::uint64_t, std::string> sessions;                    ///< by number: "ADDRESS PORT" of the client
        std::map<std::string, std::vector<std::uint64_t>> on_connection;  ///< requests by the asking end, in order
        std::set<std::string> ambiguous;                                  ///< ends that several connections had
    };

    std::map<std::string, records> proxies_;  ///< by name; of one only: ""
};

}  // namespace badorigin::report
