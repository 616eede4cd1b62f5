#include "cli/front.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/stage/rights.h"

namespace badorigin::cli {

namespace fs = std::filesystem;

std::atomic<bool> interrupt{false};

namespace {

void on_signal(int which) {
    interrupt.store(true);
    std::signal(which, SIG_DFL);
}

/// Leaves the file as it is.
void require_writable(const std::string& option, const std::string& file) {
    if (file.empty()) return;
    const std::string folder = fs::path(file).has_parent_path() ? fs::path(file).parent_path().string() : ".";
    const std::string& asked = fs::exists(file) ? file : folder;
    if (fs::is_directory(file)) throw std::runtime_error(fmt::format("{} {}: is a folder", option, file));
    if (::access(asked.c_str(), W_OK) != 0) throw std::runtime_error(fmt::format("{} {}: {}", option, file, std::strerror(errno)));
}

/// All that can be written is; whether that was everything.
bool write_reports(const options& asked, const std::vector<report::entry>& entries) {
    bool all = true;
    const auto written = [&](const std::expected<void, std::string>& done) {
        if (!done) complain(done.error());
        all = all && done;
    };
    if (!asked.junit.empty()) written(report::write_junit(asked.junit, entries));
    if (!asked.json.empty()) written(report::write_json(asked.json, entries, BADORIGIN_VERSION));
    if (!asked.html.empty()) written(report::write_html(asked.html, entries, BADORIGIN_VERSION));
    return all;
}

}  // namespace

void complain(const std::string& what) {
    std::fputs(("badorigin: " + what + "\n").c_str(), stderr);
}

report::console_style style_for(const options& asked) {
    const char* kind = std::getenv("TERM");
    const bool terminal = ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
    const bool wanted = asked.colour == "always" || (asked.colour == "auto" && terminal && std::getenv("NO_COLOR") == nullptr);
    return {wanted, terminal, asked.quiet};
}

void require_writable_reports(const options& asked) {
    require_writable("--json", asked.json);
    require_writable("--junit", asked.junit);
    require_writable("--html", asked.html);
}

bool finish(const options& asked, report::console& console, const std::vector<report::entry>& entries) {
    console.finish(entries);
    bool all = write_reports(asked, entries);
    if (console.trouble() != 0 && console.trouble() != EPIPE) {
        complain(fmt::format("standard output: {}", std::strerror(console.trouble())));
        all = false;
    }
    return all;
}

capture::foreign read_captures(const std::vector<std::string>& files, const std::vector<std::string>& proxies,
                               const capture::taker_of_parts* parts) {
    progress_line line;
    capture::foreign_settings settings;
    settings.proxies = proxies;
    settings.progress = [&](std::uint64_t done, std::uint64_t size) {
        line.show(done, size, [&](double seconds) { return fmt::format("{:.0f} MB/s", static_cast<double>(done) / 1e6 / seconds); });
        return !interrupt.load();
    };
    auto read = parts ? capture::read_in_parts(files, settings, *parts) : capture::read_foreign(files, settings);
    if (interrupt.load()) throw stopped("interrupted; nothing was judged or written");
    if (!read) throw std::runtime_error(read.error());
    return std::move(*read);
}

void require_capture(const std::vector<std::string>& proxies) {
    if (const auto why = stage::why_no_capture(proxies); !why.empty()) throw std::runtime_error(why);
}

progress_line::progress_line() : watched_{::isatty(STDERR_FILENO) == 1} {}

progress_line::~progress_line() {
    if (drawn_) std::fputs("\r\033[K", stderr);
}

void progress_line::show(std::uint64_t done, std::uint64_t size, const std::function<std::string(double seconds)>& tail) {
    const auto now = std::chrono::steady_clock::now();
    if (!watched_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    constexpr std::size_t width = 30;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const double share = size > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(size)) : 0;
    const auto filled = static_cast<std::size_t>(share * width);
    std::fputs(
        fmt::format("\r[{}{}] {:3.0f} %  {}\033[K", std::string(filled, '#'), std::string(width - filled, ' '), 100 * share, tail(seconds))
            .c_str(),
        stderr);
    drawn_ = true;
}

namespace {

source read_bundle(const std::string& folder) {
    auto evidence = capture::read_bundle(folder);
    if (!evidence) throw std::runtime_error(evidence.error());
    if (!evidence->tiers.empty()) throw std::runtime_error(fmt::format("{}: a run of several proxies; a recording is of one", folder));
    return {folder, std::move(*evidence), {}};
}

source read_files(const std::vector<std::string>& files, const std::vector<std::string>& proxies) {
    auto found = read_captures(files, proxies);
    auto notes = found.all_notes();
    return {fmt::format("{}", fmt::join(files, ", ")), std::move(found.evidence), std::move(notes)};
}

}  // namespace

std::vector<source> read_sources(const std::vector<std::string>& captures, const std::vector<std::string>& proxies) {
    std::vector<source> out;
    std::vector<std::string> files;
    for (const auto& path : captures) {
        if (!fs::exists(path)) throw std::runtime_error(fmt::format("{}: no such file or folder", path));
        if (fs::is_directory(path)) {
            out.push_back(read_bundle(path));
        } else {
            files.push_back(path);
        }
    }
    if (!files.empty()) out.push_back(read_files(files, proxies));
    return out;
}

void catch_interrupts() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    if (std::signal(SIGHUP, on_signal) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup
}

}  // namespace badorigin::cli
