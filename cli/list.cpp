#include "cli/list.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <fnmatch.h>

#include "fake-backends/faults.h"
#include "harness/judge/judge.h"
#include "harness/scenario/yaml.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

namespace {

std::string root_of(const std::string& path) {
    for (fs::path at = fs::absolute(path).lexically_normal(); at.has_relative_path(); at = at.parent_path()) {
        if (fs::is_directory(at / "policies")) return at.string();
    }
    const fs::path given = fs::absolute(path).lexically_normal();
    return (fs::is_directory(given) ? given : given.parent_path()).string();
}

}  // namespace

bool passes(const std::string& id, const std::string& filter) {
    if (filter.empty()) return true;
    if (filter.find('*') != std::string::npos) return ::fnmatch(filter.c_str(), id.c_str(), 0) == 0;
    return id.find(filter) != std::string::npos;
}

namespace {

std::string judged_where(const judge::rule_row& r) {
    if (r.where == judge::judged_in::captures_made_elsewhere) return "captures";
    return r.needs == judge::need::packets ? "runs, captures" : "runs";
}

}  // namespace

found find(const options& asked) {
    std::vector<std::string> paths = asked.paths;
    if (paths.empty()) paths.push_back("scenarios");
    found all;
    std::map<std::string, std::size_t> counts;  // sorted, each file once
    std::size_t before = 0;
    for (const auto& path : paths) {
        if (!fs::exists(path))
            throw std::runtime_error(
                fmt::format("{}: no such file or folder; give scenario files or folders, such as scenarios/saint", path));
        const std::string root = root_of(path);
        if (!all.root.empty() && all.root != root)
            throw std::runtime_error(fmt::format("{}: is not below {} like the paths before it; run them apart", path, all.root));
        all.root = root;
        for (const auto& file : scenario::find_scenarios(fs::absolute(path).lexically_normal().string())) {
            const auto ids = scenario::ids_in(file, root);
            const auto count =
                static_cast<std::size_t>(std::ranges::count_if(ids, [&](const auto& id) { return passes(id, asked.filter); }));
            before += ids.size();
            const auto own = fs::path(file).lexically_relative(root).replace_extension("").string();
            if (ids.empty() || ids.front() != own) all.tables.insert(file);
            if (count > 0) counts[file] = count;
        }
    }
    for (const auto& [file, count] : counts) {
        all.files.push_back(file);
        all.scenarios += count;
    }
    if (all.files.empty()) {
        throw std::runtime_error(
            before == 0
                ? fmt::format("{}: holds no scenario (*.yaml)", fmt::join(paths, ", "))
                : fmt::format("--filter {}: none of {} scenarios has such an id (see: badorigin list scenarios)", asked.filter, before));
    }
    return all;
}

std::string program_directory() {
    return fs::read_symlink("/proc/self/exe").parent_path().string();
}

/// What the bundled cache prints when asked for this list.
static std::vector<std::string> lines_of_cache(const std::string& option) {
    const std::string command = "'" + program_directory() + "/badorigin-cache' " + option;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "re"), &::pclose);
    std::vector<std::string> lines;
    char buffer[1024];
    while (pipe && std::fgets(buffer, sizeof buffer, pipe.get())) {
        std::string line(buffer);
        if (!line.empty() && line.back() == '\n') line.pop_back();
        lines.push_back(std::move(line));
    }
    if (lines.empty())
        throw std::runtime_error(fmt::format("{}/badorigin-cache cannot be run: is the build complete?", program_directory()));
    return lines;
}

std::vector<std::string> planted_bugs() {
    return lines_of_cache("--list-planted-bugs");
}

void say(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
    if (errno != EPIPE) throw std::runtime_error(fmt::format("standard output: {}", std::strerror(errno)));
}

int list(const options& asked) {
    int code = 0;
    std::string text;
    if (asked.list_what == "rules") {
        for (const auto& r : judge::rule_catalogue())
            text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", r.id, judge::name(r.kind), r.demands, r.source, r.bugs, judged_where(r));
    } else if (asked.list_what == "faults") {
        for (const auto& f : peers::fault_catalogue())
            text += fmt::format("{}\t{}\t{}\t{}\t{}\n", f.id, peers::name(f.place), f.on_the_wire, f.breaks, f.who);
    } else if (asked.list_what == "planted-bugs") {
        for (const auto& line : planted_bugs()) text += line + "\n";
    } else if (asked.list_what == "vcl") {
        for (const auto& line : lines_of_cache("--list-vcl")) text += line + "\n";
    } else {
        const found all = find(asked);
        for (const auto& file : all.files) {
            const auto read = scenario::read_all(file, all.root, scenario::time_mode::virtual_time, judge::rule_ids());
            if (read) {
                for (const auto& one : *read) text += fmt::format("{}\t{}\t{}\n", one.id, fmt::join(one.covers, ","), one.claim);
                continue;
            }
            for (const auto& p : read.error()) std::fputs(fmt::format("badorigin: {}\n", p.text()).c_str(), stderr);
            code = 2;
        }
    }
    say(text);
    return code;
}

}  // namespace badorigin::cli
