#include "proxy-under-test/cache/planted_damage.h"

#include <cstdlib>
#include <memory>
#include <vector>

#include <unistd.h>

#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

cpu_burner::cpu_burner()
    : spinning_([](const std::stop_token& stop) {
          while (!stop.stop_requested()) {}
      }) {}

void leave_behind(int descriptor) {
    static std::vector<std::vector<char>> forgotten;
    if (planted(bug::leak_descriptor_on_failed_fetch)) {
        [[maybe_unused]] const int leaked = ::dup(descriptor >= 0 ? descriptor : STDERR_FILENO);
    }
    if (planted(bug::leak_memory_on_failed_fetch)) forgotten.emplace_back(4 * 1024 * 1024, 'x');
    if (planted(bug::crash_on_failed_fetch)) std::abort();
}

}  // namespace badorigin::cache
