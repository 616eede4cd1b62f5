// What the runner's scenarios and a live session have in common: what is asked before a run, and how it is concluded.
#pragma once

#include <string>

#include "harness/scenario/scenario.h"
#include "harness/stage/runner.h"
#include "harness/stage/stage.h"
#include "proxy-under-test/drivers/driver.h"

namespace badorigin::stage {

/// Why a scenario says nothing about a proxy; empty: it does.
std::string why_not(const scenario::scenario& script, const drivers::driver& proxy, const run_settings& settings);
/// Conditions whose query cannot be read, a line or more each; empty: all can.
std::string wrong_queries(const scenario::scenario& script);
/// Policies that a scenario names, to begin with or to reload, and that there are none of, a line each; empty: all are there.
std::string missing_policies(const scenario::scenario& script, const std::string& folder);
/// Somebody else runs it, in the network namespace that all share, and knows origins by fixed ports: one run after the other.
bool is_shared(const std::string& proxy);

/// Makes the folder of the bundles, or throws run_error.
void make_folder(const std::string& out);
std::string bundle_folder(const run_settings& settings, const std::string& proxy, const std::string& scenario);
void clear_bundle(const std::string& folder);
/// For the calling thread; throws run_error.
void enter_namespace();
/// For the calling thread: what another worker's fork copies are never our sockets. Otherwise a child that has not yet reached its exec
/// would hold them open, and a close would send no FIN or RST, a port would stay taken. Throws run_error.
void have_descriptors_of_its_own();
stage_settings settings_of_stage(const run_settings& settings, const std::string& proxy, const std::string& folder, bool own_namespace);

/// Judges the bundle in `result.folder`, writes the verdict into it and keeps it or not. `trouble`: why the run did not come to its end.
void conclude(run_result& result, const std::string& trouble, keep_evidence keep);

}  // namespace badorigin::stage
