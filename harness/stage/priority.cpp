#include "harness/stage/priority.h"

#include <cerrno>

#include <sys/resource.h>

namespace badorigin::stage {

namespace {

constexpr int raised_by = 10;  ///< ten times the share of a program that has the usual priority

}  // namespace

// On Linux the "process" 0 of these calls is the calling thread.
higher_priority::higher_priority() {
    errno = 0;
    before_ = ::getpriority(PRIO_PROCESS, 0);
    raised_ = errno == 0 && ::setpriority(PRIO_PROCESS, 0, before_ - raised_by) == 0;
}

higher_priority::~higher_priority() {
    if (raised_) ::setpriority(PRIO_PROCESS, 0, before_);
}

}  // namespace badorigin::stage
