#include "proxy-under-test/drivers/vitals.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace badorigin::drivers {
namespace {

/// Empty where the process is gone; also when it went between open and read (ESRCH, which an istreambuf_iterator would throw).
std::string content_of(const std::string& path) {
    std::ifstream file(path);
    std::string text;
    std::getline(file, text, '\0');
    return text;
}

template <class Action>
bool each_number_in(const std::string& path, Action action) {
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) return false;
    while (const dirent* entry = ::readdir(folder))
        if (const char first = entry->d_name[0]; first >= '0' && first <= '9') action(static_cast<pid_t>(std::atoi(entry->d_name)));
    ::closedir(folder);
    return true;
}

/// The fields of /proc/PID/stat after the name, which may itself contain spaces and brackets: [0] is the state, [1] the parent.
std::vector<std::string> stat_fields(pid_t pid) {
    const auto text = content_of(fmt::format("/proc/{}/stat", pid));
    const auto bracket = text.rfind(')');
    if (bracket == std::string::npos) return {};
    std::istringstream rest(text.substr(bracket + 1));
    return {std::istream_iterator<std::string>(rest), {}};
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> children;
    bool told = false;
    each_number_in(fmt::format("/proc/{}/task", pid), [&](pid_t thread) {
        std::ifstream file(fmt::format("/proc/{}/task/{}/children", pid, thread));
        told = told || file.good();
        children.insert(children.end(), std::istream_iterator<pid_t>(file), {});
    });
    if (told) return children;
    // A kernel without CONFIG_PROC_CHILDREN.
    each_number_in("/proc", [&](pid_t other) {
        const auto fields = stat_fields(other);
        if (fields.size() > 1 && fields[1] == std::to_string(pid)) children.push_back(other);
    });
    return children;
}

nanoseconds from_ticks(const std::string& ticks) {
    static const auto each = nanoseconds(1'000'000'000) / ::sysconf(_SC_CLK_TCK);
    return std::strtoll(ticks.c_str(), nullptr, 10) * each;
}

/// Own time of all threads, ended ones too, to the nanosecond; /proc/PID/stat counts ticks of 10 ms.
nanoseconds own_time(pid_t pid, const std::vector<std::string>& fields) {
    clockid_t clock;
    timespec time;
    if (::clock_getcpuclockid(pid, &clock) == 0 && ::clock_gettime(clock, &time) == 0)
        return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
    return from_ticks(fields[11]) + from_ticks(fields[12]);
}

/// What /proc/PID/task/TID/schedstat says of a thread: time on a core, time spent waiting for one, slices; in nanoseconds.
nanoseconds time_waiting_for_a_core(pid_t pid) {
    nanoseconds sum{0};
    each_number_in(fmt::format("/proc/{}/task", pid), [&](pid_t thread) {
        std::ifstream file(fmt::format("/proc/{}/task/{}/schedstat", pid, thread));
        std::int64_t ran = 0, waited = 0;
        if (file >> ran >> waited) sum += nanoseconds(waited);
    });
    return sum;
}

}  // namespace

void favour_descendants(pid_t root) {
    constexpr int raised_by = 10;  // ten times the share of a program that has the usual priority
    for (const pid_t pid : descendants(root)) {
        // Where the kernel shares the cores among sessions (autogroup), the priority of a process counts only against its own session's.
        std::ofstream(fmt::format("/proc/{}/autogroup", pid)) << -raised_by << std::flush;
        each_number_in(fmt::format("/proc/{}/task", pid), [](pid_t thread) {
            errno = 0;
            const int before = ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread));
            if (errno == 0) ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), before - raised_by);
        });
    }
}

bool oldest_child_is_ending(pid_t root) {
    constexpr unsigned long exiting = 0x4;  // PF_EXITING of linux/sched.h
    const auto children = children_of(root);
    if (children.empty()) return true;
    const auto fields = stat_fields(children.front());
    return fields.size() <= 6 || (std::strtoul(fields[6].c_str(), nullptr, 10) & exiting) != 0;
}

std::vector<pid_t> descendants(pid_t root) {
    std::vector<pid_t> found{root};
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto children = children_of(found[i]);
        found.insert(found.end(), children.begin(), children.end());
    }
    found.erase(found.begin());
    return found;
}

vitals measure_descendants(pid_t root) {
    vitals sum;
    const auto add_waited_for = [&](const std::vector<std::string>& fields) {
        if (fields.size() > 14) sum.cpu += from_ticks(fields[13]) + from_ticks(fields[14]);
    };
    add_waited_for(stat_fields(root));
    for (const pid_t pid : descendants(root)) {
        const auto fields = stat_fields(pid);
        if (fields.size() < 22) continue;  // gone meanwhile
        sum.cpu += own_time(pid, fields);
        sum.starved += time_waiting_for_a_core(pid);
        add_waited_for(fields);
        if (fields[0] == "Z") continue;
        ++sum.processes;
        sum.resident_bytes += std::strtoull(fields[21].c_str(), nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        each_number_in(fmt::format("/proc/{}/fd", pid), [&](pid_t) { ++sum.descriptors; });
    }
    return sum;
}

}  // namespace badorigin::drivers
