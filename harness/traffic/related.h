// Which client exchanges belong into one scenario.
#pragma once

#include <vector>

#include "capture/evidence.h"

namespace badorigin::traffic {

/// Client transactions in groups, each in order of the requests, the groups in order of their first. Two are related when a proxy may have
/// made one depend on the other: they ask for the same target, share a client connection, or an origin connection that broke under one of
/// them; or the proxy answered one with an error by itself (it holds its origin for sick) after the other had failed; or one is an
/// operator's (PURGE, BAN), which may act on all that is stored.
std::vector<std::vector<const capture::transaction*>> related(const capture::evidence& evidence);

/// A fetch without a good answer: what makes a proxy think ill of an origin.
bool failed(const capture::transaction& t);
/// An error that no origin was asked for.
bool answered_by_opinion(const capture::transaction& t);

}  // namespace badorigin::traffic
