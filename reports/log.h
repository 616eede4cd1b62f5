// Transactions for people and for engines: as varnishlog and varnishncsa print them, and as rows of JSON (docs/log.md).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/records.h"

namespace badorigin::report {

enum class log_format : std::uint8_t { varnish, ndjson, ncsa };
std::optional<log_format> log_format_named(std::string_view name);

/// Of docs/log-schema.json; raised by whatever an existing reader of rows could stumble over.
inline constexpr int log_schema = 1;

/// What is printed as one, and whom it speaks of: exchanges by their ids, and under the session grouping the connection.
struct log_entry {
    std::string text;
    capture::frame_number frame = 0;  ///< the first that it speaks of
    std::vector<std::uint64_t> exchanges;
    std::uint64_t session = 0;  ///< 0: none
};

/// varnish: an entry a group, the others: an entry a transaction that has a record in one of the groups, of those that these speak of.
std::vector<log_entry> log_entries(const capture::evidence& evidence, std::span<const capture::transaction> spoken_of,
                                   const std::vector<judge::record_group>& selected, log_format format);

/// As varnishlog prints a group: a line a record, marked by its level.
std::string varnish_text(const judge::record_group& group);
/// The combined log format, as varnishncsa fills it: the request as the client sent it, the response as it got it. Empty without a client.
std::string ncsa_line(const capture::transaction& t);
/// A row of docs/log-schema.json.
std::string row_json(const capture::evidence& evidence, const capture::transaction& t);

}  // namespace badorigin::report
