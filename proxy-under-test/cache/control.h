// The control socket: docs/control-protocol.md.
#pragma once

#include <memory>
#include <string>

#include "proxy-under-test/cache/clock.h"

namespace badorigin::cache {

struct engine;

class control {
public:
    /// Listens at `path`. Throws std::runtime_error with a sentence.
    control(engine& in, const std::string& path);
    ~control();

    /// Called when nothing is ready: answers a pending sync, or moves a pending advance to its next timer. False: nothing was pending.
    bool quiescent();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace badorigin::cache
