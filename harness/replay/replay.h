// A recording played again through a proxy: recording → stage → bundle → judge, and then against now. What both front doors do.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "harness/replay/allowed.h"
#include "harness/scenario/scenario.h"
#include "harness/stage/playback.h"
#include "harness/stage/runner.h"
#include "harness/traffic/answers.h"
#include "harness/traffic/compare.h"
#include "harness/traffic/traffic.h"

namespace badorigin::replay {

struct settings {
    std::string capture;             ///< the (first) file or folder that was recorded: bundles are called after it
    std::string name;                ///< of the recording, in reports
    std::vector<std::string> notes;  ///< on how it was read
    traffic::import_settings given;  ///< policy (a folder of policies, or a configuration file), promises, values, origins, rules_off
    traffic::pace pace;
    bool virtual_time = false;  ///< else real
    std::vector<traffic::storm> storms;
    std::set<std::string> volatile_fields;  ///< in lower case
    allowed_differences allowed;
    stage::run_settings run;  ///< proxies, policies, program_directory, out, evidence, own_namespaces, interrupt, tool_version, deadlines
};

/// Of "1", "0.5", "max"; of "NAME [on TARGET] from TIME for TIME"; of names in any case. What is wrong is a std::invalid_argument.
traffic::pace pace_of(const std::string& speed);
std::vector<traffic::storm> storms_of(const std::vector<std::string>& faults);
std::set<std::string> field_names(const std::vector<std::string>& names);

struct told_difference {
    traffic::difference what;
    std::string allowed;  ///< the reason; empty: it is not
};

/// One proxy's.
struct replayed {
    std::string proxy;
    stage::run_result run;
    traffic::answer_counts answers;
    traffic::comparison compared;
    std::vector<told_difference> differences;
    std::vector<std::string> idle;  ///< reasons of entries that allowed nothing
    std::size_t not_allowed = 0;
    judge::outcome outcome = judge::outcome::upheld;  ///< of the verdict and the comparison
};

/// How many requests are over, of how many.
using progress = std::function<void(std::size_t over, std::size_t all)>;

class replayer {
public:
    /// The evidence must outlive it. Throws std::invalid_argument where the policy fits a proxy not, stage::run_error where there is
    /// nothing to replay; the message is a sentence.
    replayer(const capture::evidence& then, settings asked);
    replayer(const replayer&) = delete;
    replayer& operator=(const replayer&) = delete;

    /// Plays it, compares, and writes replay.json into the bundle. Throws as stage::run_one does.
    replayed through(const std::string& proxy, const progress& tell = {});

    const traffic::recording& recording() const { return recording_; }
    const std::string& name() const { return asked_.name; }
    const traffic::pace& pace() const { return asked_.pace; }
    const std::vector<std::string>& notes() const { return asked_.notes; }

private:
    void settle_script();
    void settle_policy();
    stage::playback playback_of(traffic::answers& answering, const progress& tell) const;
    void compare(const traffic::date_shift& shift, replayed& out);

    settings asked_;
    traffic::recording recording_;
    scenario::scenario script_;
};

}  // namespace badorigin::replay
