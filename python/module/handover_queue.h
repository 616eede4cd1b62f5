// From the loop's thread to Python's.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "fake-backends/handover.h"
#include "harness/scenario/scenario.h"

namespace badorigin::python {

class handover_queue {
public:
    /// `key` tells which function is meant.
    void put(int key, std::shared_ptr<peers::handover> what);
    void close();
    /// Waits; nothing: closed and empty.
    std::optional<std::pair<int, std::shared_ptr<peers::handover>>> next();

private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<std::pair<int, std::shared_ptr<peers::handover>>> waiting_;
    bool closed_ = false;
};

}  // namespace badorigin::python
