#include "capture/evidence.h"

#include <algorithm>

#include <unistd.h>

#include "capture/capture_reader.h"
#include "capture/completeness.h"
#include "capture/evidence_writer.h"
#include "capture/intake.h"
#include "capture/joiner.h"
#include "capture/tiers.h"

namespace badorigin::capture {
namespace {

/// Reads the packets; what they say goes into `all`, except what compares them with other things.
std::expected<void, std::string> read_packets(const std::string& file, evidence& all) {
    auto reader = capture_reader::open(file);
    if (!reader) return std::unexpected(reader.error());
    intake packets(all);
    while (const auto packet = reader->next()) packets.take(*packet);
    if (!reader->damage().empty()) all.incomplete.push_back("The capture is damaged: " + reader->damage() + ".");
    packets.finish();
    return {};
}

void conclude(evidence& all) {
    for (std::string& why : why_incomplete(all)) all.incomplete.push_back(std::move(why));
    if (all.manifest.askers.empty())
        all.transactions = join(all.exchanges);
    else
        part_tiers(all);
}

bool exists(const std::string& folder, const char* name) {
    return ::access((folder + '/' + name).c_str(), F_OK) == 0;
}

}  // namespace

nanoseconds evidence::clock_at(const frame_ref& frame) const {
    const auto sets_the_clock = [](const marker& m) { return m.kind == marker::kind::start || m.kind == marker::kind::clock; };
    const auto start = std::ranges::find(markers, marker::kind::start, &marker::kind);
    if (manifest.virtual_time) {
        auto after = std::ranges::upper_bound(markers, frame.number, {}, [](const marker& m) { return m.frame.number; });
        while (after != markers.begin()) {
            --after;
            if (sets_the_clock(*after)) return after->clock;
        }
        return nanoseconds{0};
    }
    if (start != markers.end()) return frame.time - start->frame.time;
    return frame.time - began;
}

std::string evidence::frame_text(frame_number number) const {
    if (sources.empty() || number == 0) return "frame " + std::to_string(number);
    const auto run = std::prev(std::ranges::upper_bound(sources, number, {}, &frame_source::first));
    return *run->file + " frame " + std::to_string(run->in_file + (number - run->first));
}

std::expected<evidence, std::string> read_capture(const std::string& file, const manifest& about) {
    evidence all;
    all.manifest = about;
    if (auto read = read_packets(file, all); !read) return std::unexpected(read.error());
    conclude(all);
    return all;
}

std::expected<evidence, std::string> read_bundle(const std::string& folder) {
    evidence all;
    auto about = read_manifest(folder);
    if (!about) return std::unexpected(about.error());
    all.manifest = std::move(*about);
    // A run that was cut short may lack these; a run that was not has them.
    if (exists(folder, vitals_file)) {
        auto vitals = read_vitals(folder);
        if (!vitals) return std::unexpected(vitals.error());
        all.vitals = std::move(*vitals);
    }
    if (exists(folder, received_file)) {
        auto received = read_received(folder);
        if (!received) return std::unexpected(received.error());
        all.received = std::move(*received);
    } else if (all.manifest.evidence != evidence_kind::file) {
        all.incomplete.push_back(std::string("The bundle has no ") + received_file + ", which the capture is compared with.");
    }
    if (auto read = read_packets(folder + '/' + packets_file, all); !read) return std::unexpected(read.error());
    conclude(all);
    return all;
}

}  // namespace badorigin::capture
