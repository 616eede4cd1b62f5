// Captures that were made elsewhere: one or several files, roles found from the traffic, legs joined without tokens.
//
// Several files become one evidence, whose frame numbers are positions in the merged order (evidence::frame_text gives the file and its own
// number). A connection that two of them hold counts once, as the one that shows more of it has it. Address translation between the places
// of capture is not undone: the connections on its two sides are two.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "capture/evidence.h"
#include "capture/parts.h"

namespace badorigin::capture {

struct foreign_settings {
    std::vector<std::string> proxies;  ///< "10.0.0.1" or "10.0.0.1:8080" (IPv6 in brackets with a port); empty: found from the traffic
    std::function<bool(std::uint64_t done, std::uint64_t size)> progress = {};  ///< in bytes of files; optional; false: stop
};

struct foreign_file {
    std::string name;  ///< as frame_text says it
    frame_number frames = 0;
    frame_number first = 0;                 ///< its first frame in the merged numbering; 0: it has none
    nanoseconds offset{0}, uncertainty{0};  ///< what was added to its clock
    std::string offset_basis;               ///< what the offset was told from; empty: of the first file, or it could not be told
    std::string damage;                     ///< why reading ended early; empty: it did not
};

struct foreign {
    capture::evidence evidence;
    std::vector<foreign_file> files;
    std::vector<std::string> proxies;            ///< whose legs were joined, "10.0.0.1:8080"
    std::vector<std::string> notes;              ///< sentences: what was assumed, and what could not be told
    std::vector<std::string> all_notes() const;  ///< and which files are damaged
    std::uint64_t exchanges = 0;                 ///< that were read, and of these how many have a leg
    std::uint64_t with_leg = 0;
};

/// The error is a sentence that names the file, or what is no address.
std::expected<foreign, std::string> read_foreign(const std::vector<std::string>& files, const foreign_settings& settings = {});

/// The same part by part: memory is bounded by what is open, and no exchange, connection or transaction is in what is returned. Several
/// files are one part.
struct taker_of_parts {
    part_maker::on_part part;
    /// What was given so far does not count: the file is read again, with the roles that came out late. Empty: what was given cannot be
    /// taken back, so of a file that is more than one part the roles are found first, by a reading of its own.
    std::function<void()> anew;
    part_limits limits = {};
};
std::expected<foreign, std::string> read_in_parts(const std::vector<std::string>& files, const foreign_settings& settings,
                                                  const taker_of_parts& to);

}  // namespace badorigin::capture
