// What a client did, as the request of a step.
#pragma once

#include <expected>
#include <set>
#include <string>

#include "harness/traffic/replies.h"

namespace badorigin::traffic {

/// `varied`: fields that some response varies by, in lower case. The error is why no script can say it.
std::expected<peers::request, std::string> request_of(const capture::exchange& client, const std::set<std::string>& varied, telling& about);

}  // namespace badorigin::traffic
