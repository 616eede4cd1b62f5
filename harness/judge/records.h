// Log records in the manner of Varnish's shared memory log, derived from the packets: so the query language works for any proxy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "capture/evidence.h"

namespace badorigin::judge {

struct record {
    std::string_view tag;                        ///< one of record_tags()
    std::string value;                           ///< "Host: example.com"
    std::uint32_t id = 0;                        ///< of its transaction; 0: belongs to none (probes)
    int level = 0;                               ///< in its group, from 1; 0 under raw
    char side = '-';                             ///< 'c' client leg, 'b' origin leg, '-' neither
    std::uint64_t connection = 0, exchange = 0;  ///< of the evidence
    capture::frame_number frame = 0;
};

enum class grouping : std::uint8_t { raw, vxid, request, session };
std::optional<grouping> grouping_named(std::string_view name);

/// What a query selects.
struct record_group {
    std::uint32_t id = 0;  ///< of its first transaction
    std::vector<record> records;
};

/// Of evidence that comes in parts (capture/parts.h): each group in one piece, in the part in which the last of it came: under session, and
/// the records of sessions, where the connection is over. Numbers count on; four bytes an exchange are kept for them.
class record_maker {
public:
    explicit record_maker(grouping by);
    ~record_maker();
    record_maker(record_maker&&) noexcept;
    record_maker& operator=(record_maker&&) noexcept;

    /// In the order of their first frames.
    std::vector<record_group> take(const capture::evidence& part);
    /// What the groups that were taken last speak of. Valid as long as that part.
    std::span<const capture::transaction> transactions() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Of evidence that is one part.
std::vector<record_group> group_records(const capture::evidence& evidence, grouping by);
/// Ids of the exchanges that they speak of.
std::unordered_set<std::uint64_t> exchanges_in(std::span<const record_group> groups);
/// Every tag there is, sorted.
std::span<const std::string_view> record_tags();

}  // namespace badorigin::judge
