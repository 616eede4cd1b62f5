// The harness's end of the bundled cache's control socket (docs/control-protocol.md).
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "proxy-under-test/drivers/process.h"

namespace badorigin::drivers {

class control_socket {
public:
    /// Connects; throws set_up_error.
    control_socket(const std::string& folder, const std::string& name);
    /// One request and its answer. Throws set_up_error when the cache refuses, does not answer in time, or has gone.
    nlohmann::json ask(const nlohmann::json& request, deadline when);

private:
    void send(const std::string& line, deadline when);
    std::string receive_line(deadline when);

    descriptor socket_;
    std::string received_;
};

/// The cache's end was closed, or it answered nothing until the deadline.
struct control_lost : set_up_error {
    using set_up_error::set_up_error;
};

}  // namespace badorigin::drivers
