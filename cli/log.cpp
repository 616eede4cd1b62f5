#include "cli/log.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "capture/foreign.h"
#include "cli/list.h"

namespace badorigin::cli {

namespace {

constexpr const char* examples = R"(
Examples:
  badorigin log capture.pcap                              every client request with what origins were asked for it
  badorigin log client.pcap origin.pcap                   both sides of a proxy, captured on two machines
  badorigin log c.pcap -q 'RespStatus >= 500 and {2+}FetchError'
  badorigin log c.pcap -g session -q 'ReqHeader:User-Agent ~ "(?i)bot"'
  badorigin log c.pcap -g vxid -q 'BereqMethod eq POST and BackendReuse and BereqAcct[2] == 0'
  badorigin log c.pcap --format ncsa                      an access log
  badorigin log c.pcap --format ndjson -o rows.ndjson     rows for DuckDB, Spark (docs/log.md)
  badorigin log out/varnish/saint/window-lasts-to-its-end the bundle of a run
  badorigin log --follow -i lo --proxy-addr 127.0.0.1:8080

A query: {level}tags:prefix[field] operator operand, joined by not, and, or and parentheses.
  {2} {2+} {2-}    the level in its group (request: client request 1, its fetches 2, their retries 3)
  ReqURL,Resp*     tags, a star at the start or at the end of a name
  :Age             what stands before the first colon of the record
  [2]              the second word
  == != < <= > >=  numbers;  eq ne  texts;  ~ !~  regular expressions (PCRE2); none: such a record exists
)";

std::atomic<bool> interrupted{false};

void on_interrupt(int which) {
    interrupted.store(true);
    std::signal(which, SIG_DFL);
}

void remark(const std::string& text) {
    std::fputs(fmt::format("badorigin: {}\n", text).c_str(), stderr);
}

/// A line on the terminal that is written over; none where nobody watches.
class meter {
public:
    bool operator()(std::uint64_t done, std::uint64_t size) {
        const auto now = std::chrono::steady_clock::now();
        if (!watched_ || now < next_) return true;
        next_ = now + std::chrono::milliseconds(200);
        const double seconds = std::chrono::duration<double>(now - begun_).count();
        std::fputs(
            fmt::format("\rreading {:3.0f} %, {:.0f} MB/s \x1b[K", size ? 100.0 * static_cast<double>(done) / static_cast<double>(size) : 0,
                        static_cast<double>(done) / 1e6 / seconds)
                .c_str(),
            stderr);
        shown_ = true;
        return true;
    }
    void clear() const {
        if (shown_) std::fputs("\r\x1b[K", stderr);
    }

private:
    const bool watched_ = ::isatty(STDERR_FILENO) == 1;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_ = begun_ + std::chrono::milliseconds(500);
    bool shown_ = false;
};

capture::evidence read_bundle_only(const log_options& asked) {
    if (asked.captures.size() > 1) throw std::runtime_error("log: a bundle is read alone; give one folder, or capture files");
    if (!asked.proxies.empty()) throw std::runtime_error("--proxy-addr: a bundle says itself where its proxy is");
    auto read = capture::read_bundle(asked.captures.front());
    if (!read) throw std::runtime_error(read.error());
    return std::move(*read);
}

capture::evidence read(const log_options& asked) {
    for (const auto& file : asked.captures)
        if (std::filesystem::is_directory(file)) return read_bundle_only(asked);
    meter progress;
    auto read = capture::read_foreign(asked.captures, {asked.proxies, [&](auto done, auto size) { return progress(done, size); }});
    progress.clear();
    if (!read) throw std::runtime_error(read.error());
    for (const auto& note : read->notes) remark(note);
    return std::move(read->evidence);
}

std::string one_of(const std::vector<std::string>& words, const std::string& word) {
    return std::ranges::find(words, word) != words.end() ? std::string() : fmt::format("{} is none of {}", word, fmt::join(words, ", "));
}

}  // namespace

CLI::App* add_log(CLI::App& app, log_options& into) {
    auto* log = app.add_subcommand("log", "Show the transactions of captured traffic, and query them");
    log->add_option("captures", into.captures, "Capture files (client side, origin side, or both), or the folder of a bundle");
    log->add_option("-g,--group", into.group, "raw, vxid, request, session")
        ->check([](const std::string& w) { return one_of({"raw", "vxid", "request", "session"}, w); })
        ->capture_default_str();
    log->add_option("-q,--query", into.query, "Only groups that this query selects");
    log->add_option("--format", into.format, "varnish (as varnishlog prints), ndjson (docs/log.md), ncsa (access log)")
        ->check([](const std::string& w) { return one_of({"varnish", "ndjson", "ncsa"}, w); })
        ->capture_default_str();
    log->add_option("--proxy-addr", into.proxies, "ADDRESS or ADDRESS:PORT of the proxy (repeatable; default: found from the traffic)")
        ->allow_extra_args(false);
    log->add_option("-o,--out", into.out, "Write here instead of to standard output");
    log->add_flag("--follow", into.follow, "Capture on a live interface and print groups as they are over, until Ctrl-C");
    log->add_option("-i,--interface", into.interface, "With --follow: where to capture")->capture_default_str();
    log->add_option("--filter", into.filter, "With --follow: what to capture, as tcpdump filters")->capture_default_str();
    log->footer(examples);
    return log;
}

log_view::log_view(const log_options& asked) : by{*judge::grouping_named(asked.group)}, format{*report::log_format_named(asked.format)} {
    if (asked.query.empty()) return;
    auto parsed = judge::query::parse(asked.query);
    if (!parsed) throw std::runtime_error("-q: " + parsed.error().text(asked.query));
    selects = std::move(*parsed);
}

std::vector<report::log_entry> log_view::entries(const capture::evidence& evidence) const {
    auto groups = judge::group_records(evidence, by);
    if (selects) std::erase_if(groups, [&](const judge::record_group& g) { return !selects->matches(g); });
    return report::log_entries(evidence, groups, format);
}

log_sink::log_sink(const std::string& file) : name_(file) {
    if (file.empty()) return;
    file_ = std::fopen(file.c_str(), "we");
    if (!file_) throw std::runtime_error(fmt::format("-o {}: {}", file, std::strerror(errno)));
}

log_sink::~log_sink() {
    if (file_) std::fclose(file_);
}

void log_sink::put(const std::string& text) {
    if (!file_) return say(text);
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0)
        throw std::runtime_error(fmt::format("-o {}: {}", name_, std::strerror(errno)));
}

void log_sink::close() {
    if (file_ && std::fclose(std::exchange(file_, nullptr)) != 0)
        throw std::runtime_error(fmt::format("-o {}: {}", name_, std::strerror(errno)));
}

int log(const log_options& asked) {
    if (asked.follow != asked.captures.empty())
        throw std::runtime_error(asked.follow ? "log: --follow captures by itself; give no capture file"
                                              : "log: give capture files, a bundle's folder, or --follow (see: badorigin log --help)");
    std::signal(SIGPIPE, SIG_IGN);
    if (asked.follow) {
        std::signal(SIGINT, on_interrupt);
        std::signal(SIGTERM, on_interrupt);
        return follow(asked, interrupted);
    }
    const log_view view(asked);
    const auto evidence = read(asked);
    for (const auto& why : evidence.incomplete) remark(why);
    log_sink sink(asked.out);
    std::string text;
    constexpr std::size_t at_once = 1u << 20;
    for (const auto& entry : view.entries(evidence)) {
        text += entry.text;
        if (text.size() > at_once) sink.put(std::exchange(text, {}));
    }
    sink.put(text);
    sink.close();
    return 0;
}

}  // namespace badorigin::cli
