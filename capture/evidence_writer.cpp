#include "capture/evidence_writer.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace badorigin::capture {
namespace {

using nlohmann::ordered_json;
constexpr std::array<std::string_view, 3> kinds = {"libpcap", "tap", "file"};
constexpr int known_format = 1;

std::expected<void, std::string> write(const std::string& folder, const char* name, const ordered_json& what) {
    const std::string file = folder + '/' + name, beside = file + ".new";
    const auto failed = [&](int error) {
        ::unlink(beside.c_str());
        return std::unexpected(file + ": " + std::strerror(error));
    };
    const std::string text = what.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return std::unexpected(file + ": " + std::strerror(errno));
    for (std::string_view left = text; !left.empty();) {
        const ssize_t wrote = ::write(fd, left.data(), left.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            const int error = errno;
            ::close(fd);
            return failed(error);
        }
        left.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (::close(fd) != 0) return failed(errno);
    if (std::rename(beside.c_str(), file.c_str()) != 0) return failed(errno);
    return {};
}

std::expected<nlohmann::json, std::string> parse(const std::string& folder, const char* name) {
    const std::string file = folder + '/' + name;
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in || (in.peek(), in.bad())) return std::unexpected(file + ": " + std::strerror(errno ? errno : EIO));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    auto read = nlohmann::json::parse(text, nullptr, false);
    if (read.is_discarded()) return std::unexpected(file + " is no JSON");
    return read;
}

/// Reads one file's values; anything of another type than expected makes a sentence.
template <typename Read>
auto guarded(const std::string& folder, const char* name, Read read) -> std::expected<decltype(read(nlohmann::json())), std::string> {
    const auto parsed = parse(folder, name);
    if (!parsed) return std::unexpected(parsed.error());
    try {
        return read(*parsed);
    } catch (const nlohmann::json::exception& wrong) { return std::unexpected(folder + '/' + name + ": " + wrong.what()); }
}

endpoint endpoint_in(const nlohmann::json& from, const char* name) {
    endpoint e;
    const auto text = from.at(name).get<std::string>();
    if (!endpoint::parse(text, e)) throw nlohmann::json::other_error::create(501, '"' + text + "\" is no address and port", &from);
    return e;
}

}  // namespace

std::string_view name(evidence_kind kind) {
    return kinds[static_cast<std::size_t>(kind)];
}

std::expected<void, std::string> write_manifest(const std::string& folder, const manifest& m) {
    ordered_json j;
    j["format"] = m.format;
    j["tool_version"] = m.tool_version;
    j["scenario"] = m.scenario;
    j["proxy"] = m.proxy;
    j["proxy_version"] = m.proxy_version;
    j["roles"] = m.roles;
    if (!m.askers.empty()) j["askers"] = m.askers;
    j["seed"] = m.seed;
    j["run"] = m.run;
    j["evidence"] = name(m.evidence);
    j["kernel_drops"] = m.kernel_drops;
    j["virtual_time"] = m.virtual_time;
    j["planted_bug"] = m.planted_bug;
    j["interrupted"] = m.interrupted;
    if (!m.late.empty()) {
        j["late"] = m.late;
        j["late_step"] = m.late_step;
    }
    if (!m.unexpected.empty()) j["unexpected"] = m.unexpected;
    if (!m.crashed.empty()) j["crashed"] = m.crashed;
    j["proxy_crash"] = m.proxy_crash;
    return write(folder, manifest_file, j);
}

std::expected<manifest, std::string> read_manifest(const std::string& folder) {
    auto read = guarded(folder, manifest_file, [](const nlohmann::json& j) {
        manifest m;
        m.format = j.at("format").get<int>();
        if (m.format > known_format) return m;
        m.tool_version = j.value("tool_version", "");
        m.scenario = j.value("scenario", "");
        m.proxy = j.value("proxy", "");
        m.proxy_version = j.value("proxy_version", "");
        m.roles = j.value("roles", std::map<std::string, std::string>());
        m.askers = j.value("askers", std::map<std::string, std::string>());
        m.seed = j.value("seed", std::uint64_t{0});
        m.run = j.value("run", "");
        const auto kind = j.at("evidence").get<std::string>();
        std::size_t k = 0;
        while (k < kinds.size() && kinds[k] != kind) ++k;
        if (k == kinds.size()) throw nlohmann::json::other_error::create(501, "\"" + kind + "\" is no kind of evidence", &j);
        m.evidence = static_cast<evidence_kind>(k);
        m.kernel_drops = j.at("kernel_drops").get<std::uint64_t>();
        m.virtual_time = j.value("virtual_time", false);
        m.planted_bug = j.value("planted_bug", "");
        m.interrupted = j.value("interrupted", "");
        m.late = j.value("late", "");
        m.late_step = j.value("late_step", "");
        m.unexpected = j.value("unexpected", std::vector<std::string>{});
        m.crashed = j.value("crashed", "");
        m.proxy_crash = j.value("proxy_crash", "");
        return m;
    });
    if (read && read->format > known_format)
        return std::unexpected(folder + '/' + manifest_file + " has format " + std::to_string(read->format) +
                               "; this program reads up to " + std::to_string(known_format));
    return read;
}

std::expected<void, std::string> write_vitals(const std::string& folder, const std::vector<vitals_sample>& what) {
    ordered_json all = ordered_json::array();
    for (const vitals_sample& v : what) {
        all.push_back({{"step", v.step},
                       {"monotonic_ns", v.monotonic.count()},
                       {"cpu_ns", v.cpu.count()},
                       {"starved_ns", v.starved.count()},
                       {"resident_bytes", v.resident_bytes},
                       {"descriptors", v.descriptors},
                       {"processes", v.processes},
                       {"alive", v.alive},
                       {"exit", v.exit}});
        if (!v.proxy.empty()) all.back()["proxy"] = v.proxy;
    }
    return write(folder, vitals_file, all);
}

std::expected<std::vector<vitals_sample>, std::string> read_vitals(const std::string& folder) {
    return guarded(folder, vitals_file, [](const nlohmann::json& all) {
        std::vector<vitals_sample> read;
        for (const auto& j : all) {
            vitals_sample v;
            v.step = j.at("step").get<std::string>();
            v.proxy = j.value("proxy", "");
            v.monotonic = nanoseconds(j.at("monotonic_ns").get<std::int64_t>());
            v.cpu = nanoseconds(j.at("cpu_ns").get<std::int64_t>());
            v.starved = nanoseconds(j.value("starved_ns", std::int64_t{0}));
            v.resident_bytes = j.at("resident_bytes").get<std::uint64_t>();
            v.descriptors = j.at("descriptors").get<std::uint32_t>();
            v.processes = j.at("processes").get<std::uint32_t>();
            v.alive = j.at("alive").get<bool>();
            v.exit = j.value("exit", "");
            read.push_back(std::move(v));
        }
        return read;
    });
}

std::expected<void, std::string> write_received(const std::string& folder, const std::vector<received>& what) {
    ordered_json all = ordered_json::array();
    for (const received& r : what) {
        all.push_back({{"local", r.local.text()}, {"remote", r.remote.text()}, {"bytes", r.bytes}, {"fin", r.fin}, {"rst", r.rst}});
    }
    return write(folder, received_file, all);
}

std::expected<std::vector<received>, std::string> read_received(const std::string& folder) {
    return guarded(folder, received_file, [](const nlohmann::json& all) {
        std::vector<received> read;
        for (const auto& j : all) {
            received r;
            r.local = endpoint_in(j, "local");
            r.remote = endpoint_in(j, "remote");
            r.bytes = j.at("bytes").get<std::uint64_t>();
            r.fin = j.at("fin").get<bool>();
            r.rst = j.at("rst").get<bool>();
            read.push_back(r);
        }
        return read;
    });
}

}  // namespace badorigin::capture
