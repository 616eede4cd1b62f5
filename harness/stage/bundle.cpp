#include "harness/stage/bundle.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "capture/evidence_writer.h"
#include "harness/scenario/yaml.h"

namespace badorigin::stage {

std::expected<judged, std::string> judge_bundle(const std::string& folder) {
    namespace fs = std::filesystem;
    if (!fs::is_directory(folder))
        return std::unexpected(fmt::format("{}: no such folder; a bundle is the folder that `run` writes for a scenario", folder));
    auto evidence = capture::read_bundle(folder);
    if (!evidence) {
        const auto manifest = capture::read_manifest(folder);
        if (manifest && !manifest->interrupted.empty())
            return std::unexpected(fmt::format("{}: the run ended before there was any evidence: {}", folder, manifest->interrupted));
        return std::unexpected(evidence.error());
    }
    const std::string file = folder + "/scenario.yaml";
    std::ifstream in(file);
    if (!in) return std::unexpected(fmt::format("{}: cannot be read; is {} a bundle?", file, folder));
    std::stringstream text;
    text << in.rdbuf();
    const auto mode = evidence->manifest.virtual_time ? scenario::time_mode::virtual_time : scenario::time_mode::real_time;
    auto script = scenario::read_yaml(text.str(), file, evidence->manifest.scenario, mode);
    if (!script) return std::unexpected(script.error().front().text());
    judged all{std::move(*script), std::move(*evidence), {}};
    all.verdict = judge::judge(all.evidence, all.scenario);
    all.verdict.scenario = all.evidence.manifest.scenario;
    all.verdict.proxy = all.evidence.manifest.proxy;
    if (!all.evidence.manifest.interrupted.empty()) {  // the run did not come to its end: whatever it shows, it is no verdict on the proxy
        all.verdict.outcome = judge::outcome::error;
        all.verdict.reason = all.evidence.manifest.interrupted;
    }
    return all;
}

}  // namespace badorigin::stage
