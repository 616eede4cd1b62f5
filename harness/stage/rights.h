// What a run needs of the kernel, asked once a process.
#pragma once

#include <string>
#include <vector>

namespace badorigin::stage {

/// Why packets of these proxies cannot be captured; empty: they can be. May enter a namespace to obtain the right: call it first before
/// other threads exist.
std::string why_no_capture(const std::vector<std::string>& proxies);
/// They give every run the same ports and nobody else's packets.
bool can_have_own_namespaces();

}  // namespace badorigin::stage
