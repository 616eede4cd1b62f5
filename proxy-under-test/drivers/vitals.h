// CPU time, memory and descriptors of a process tree, from /proc.
#pragma once

#include <vector>

#include <sys/types.h>

#include "proxy-under-test/drivers/driver.h"

namespace badorigin::drivers {

/// The oldest child of `root` has begun to end, or is no more. The kernel closes a process's sockets after that, and tells its parent last.
bool oldest_child_is_ending(pid_t root);
/// All descendants of `root`, parents before their children, `root` itself left out.
std::vector<pid_t> descendants(pid_t root);
/// Sums over the descendants of `root`; of `root` itself only the CPU time of the children that it has waited for. `alive` is left true.
vitals measure_descendants(pid_t root);
/// Gives the descendants of `root` a larger share of busy cores, where that is permitted; otherwise nothing happens.
void favour_descendants(pid_t root);

}  // namespace badorigin::drivers
