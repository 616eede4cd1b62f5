// What findings on a capture made elsewhere have to say beside what they find: how legs were joined, and in which file a frame is.
#pragma once

#include <string>

#include "capture/evidence.h"
#include "harness/judge/finding.h"

namespace badorigin::judge {

/// Adds to what is violated how the cited origin exchanges were joined to their clients, where that is likely and not certain.
void say_how_joined(const capture::evidence& evidence, verdict& of);

/// Several files: "frame 57" of the merged order becomes "client.pcap frame 31", in messages and in citations.
void name_frames(const capture::evidence& evidence, verdict& of);

/// "frame 57" and "frames 57 to 60" of a text, as the files count them.
std::string with_files(const std::string& text, const capture::evidence& evidence);

}  // namespace badorigin::judge
