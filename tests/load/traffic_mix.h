// What clients ask for under load, what origins answer, and what must then have come back.
//
// A target tells all: "/hot/17" always has the same content, whoever fetches it and whenever. So each answer can be checked alone, and
// content that got mixed up with another's shows.
#pragma once

#include <optional>
#include <random>
#include <string>

#include "fake-backends/engine.h"

namespace badorigin::load {

struct asked {
    std::string kind;  ///< "hot", "fault", …: as in its target
    peers::request what;
    bool may_fail = false;    ///< a fault may break its answer, or make it an error
    bool may_vanish = false;  ///< the request is broken, or its client goes: no answer is due
};

/// The `serial`th request of a run.
asked next_request(std::mt19937_64& chance, std::uint64_t serial);

/// What both origins answer; `chance` decides how fresh, how late, and whether a fault strikes.
peers::reply answer(const peers::request_facts& to, std::mt19937_64& chance);

/// What a request to this target carries; for POST.
peers::content posted(const std::string& target);

/// What is wrong with how a request ended; empty: nothing.
std::string complaint(const asked& request, peers::client_state how, const std::string& heard);

/// The class of the answer for the totals: its status, "cut" or "none".
std::string outcome(const asked& request, const std::string& heard);

}  // namespace badorigin::load
