// In real time a busy machine must not make the harness late: it runs at a higher priority, where that is permitted. (So does the proxy:
// proxy_settings::favoured.)
#pragma once

namespace badorigin::stage {

/// For the calling thread and the threads that it starts meanwhile; as it was before when this ends. Without the right: no change.
class higher_priority {
public:
    higher_priority();
    ~higher_priority();
    higher_priority(const higher_priority&) = delete;
    higher_priority& operator=(const higher_priority&) = delete;

private:
    int before_ = 0;
    bool raised_ = false;
};

}  // namespace badorigin::stage
