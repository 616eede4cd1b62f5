// What planted bugs do to the process itself: the parts that are no inverted decision but real damage.
#pragma once

#include <optional>
#include <stop_token>
#include <thread>

namespace badorigin::cache {

/// Burns a core while it lives, on a thread of its own so that the event loop (and with it the virtual clock) goes on.
class cpu_burner {
public:
    cpu_burner();

private:
    std::jthread spinning_;
};

/// After a failed fetch: leaks and crashes, where planted. `descriptor`: of its connection, or -1.
void leave_behind(int descriptor);

}  // namespace badorigin::cache
