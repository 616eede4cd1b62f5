// A scenario's claim and name, from what was asked and answered.
#pragma once

#include <string>
#include <vector>

#include "harness/traffic/expectations.h"
#include "harness/traffic/steps.h"

namespace badorigin::traffic {

/// "GET /page is answered 200, 2 times 200 from the store, 503 (origin: close-before-response)"
std::string claim_of(const std::vector<told_client>& clients, const scenario::scenario& what, const telling& about);
/// What a scenario has in common with others that differ only in targets, in names, in which secret and in how large a body.
std::string shape_of(const scenario::scenario& what);
/// The claim as a file's name.
std::string file_name(std::string_view claim);

}  // namespace badorigin::traffic
