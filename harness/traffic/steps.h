// The steps of a scenario: the clients' requests in their order, at their instants, together where they were in flight together.
#pragma once

#include <string>
#include <vector>

#include "harness/traffic/replies.h"

namespace badorigin::traffic {

/// A client exchange on its way into a step.
struct told_client {
    const capture::transaction* of = nullptr;
    scenario::client_act act;  ///< with its name
};

/// Last frame in which the exchange was going on.
capture::frame_ref over(const capture::exchange& client);

/// Names of steps, unlike each other and unlike the words that mean something in a scenario.
class step_names {
public:
    explicit step_names(const std::map<std::string, nanoseconds>& promises);
    std::string make(std::string_view wanted);
    std::string of_target(std::string_view target);

private:
    std::map<std::string, int> taken_;
};

/// How an origin received a connection.
struct reception {
    capture::frame_ref at;
    std::string origin;
    scenario::origin_act::what how;
};
std::vector<reception> receptions(const telling& about);

/// `from`: the clock at the scenario's start. `clients` in order of their first byte.
std::vector<scenario::step> steps_of(std::vector<told_client> clients, nanoseconds from, const std::vector<reception>& received,
                                     step_names& names, const telling& about);

}  // namespace badorigin::traffic
