// What findings on a capture made elsewhere have to say beside what they find: how legs were joined, and in which file a frame is.
#pragma once

#include <span>
#include <string>

#include "capture/evidence.h"
#include "harness/judge/finding.h"

namespace badorigin::judge {

/// Where an origin's exchange that is cited was joined to its client likely, and not certainly, the citation is told by what. The part of
/// the evidence is the one that the findings are of.
void note_how_joined(const capture::evidence& part, std::span<finding> of);
/// And that is said where something is violated.
void say_how_joined(verdict& of);

/// Several files: "frame 57" of the merged order becomes "client.pcap frame 31", in messages and in citations.
void name_frames(const capture::evidence& evidence, verdict& of);

/// "frame 57" and "frames 57 to 60" of a text, as the files count them.
std::string with_files(const std::string& text, const capture::evidence& evidence);

}  // namespace badorigin::judge
