// Several captures as one: packets in the order of their corrected times, and connections that two of them saw taken from one only.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/capture_reader.h"
#include "capture/clock_offsets.h"
#include "capture/ends.h"
#include "capture/evidence.h"
#include "capture/intake.h"

namespace badorigin::capture {

/// A capture and what is known of it before the files are merged.
struct source_file {
    std::string path;
    std::shared_ptr<const std::string> name;  ///< that tells it from the others: the file's name, else the path
    frame_number frames = 0, first = 0;       ///< `first`: number of its first frame in the merged order
    nanoseconds offset{0}, uncertainty{0};
    bool placed = false;  ///< the offset is known
    std::string offset_basis, damage;
    sighting seen;

    /// Where another capture shows the connection better: its packets between these times count there.
    struct left_out {
        nanoseconds from, to;  ///< corrected
    };
    std::unordered_map<pair_of_ends, std::vector<left_out>, hash_of_ends> elsewhere;
    std::size_t shared_connections = 0;
};

/// Reads one file alone: fills `seen`, `frames`, `damage`.
std::expected<void, std::string> sight(source_file& file, const go_on& progress);
/// Places the clocks of all files against the first one's; what cannot be placed keeps offset 0 and stays `placed = false`.
void place_clocks(std::vector<source_file>& files, const roles& who);
/// Decides for each connection that several files hold which of them shows it.
void share_out(std::vector<source_file>& files);
/// Feeds all packets in merged order; fills `first` and the evidence's `sources`.
std::expected<void, std::string> merge(std::vector<source_file>& files, evidence& all, intake& packets, const go_on& progress);

}  // namespace badorigin::capture
