// CPU time, memory and descriptors of a process tree, from /proc.
#pragma once

#include <vector>

#include <sys/types.h>

#include "proxy-under-test/drivers/driver.h"

namespace badorigin::drivers {

/// All descendants of `root`, parents before their children, `root` itself left out.
std::vector<pid_t> descendants(pid_t root);
/// Sums over the descendants of `root`; of `root` itself only the CPU time of the children that it has waited for. `alive` is left true.
vitals measure_descendants(pid_t root);

}  // namespace badorigin::drivers
