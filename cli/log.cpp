#include "cli/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/front.h"
#include "cli/list.h"
#include "reports/own_log.h"

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

/// Prints parts as they come.
class printer {
public:
    explicit printer(const log_options& asked) : view_(asked), sink_(asked.out) {
        if (!asked.own) return;
        if (asked.captures.size() != 1 || view_.format != report::log_format::varnish)
            throw std::runtime_error("--own: give the folder of a bundle, and leave --format as it is");
        own_ = report::own_log::of_bundle(asked.captures.front());
        if (!own_) throw std::runtime_error(fmt::format("--own: {} is no bundle of a run of the bundled cache", asked.captures.front()));
    }

    void print(const capture::evidence& part) {
        for (const auto& entry : view_.entries(part)) {
            text_ += entry.text;
            if (own_) add_own(part, entry);
            if (text_.size() > at_once) sink_.put(std::exchange(text_, {}));
        }
    }
    void finish() {
        sink_.put(text_);
        sink_.close();
    }

private:
    void add_own(const capture::evidence& part, const report::log_entry& entry) {
        std::string logged;
        for (const auto id : entry.exchanges) {
            const auto one = own_->text(*part.exchanges.at(id - 1), report::own_log::part::all);
            if (logged.find(one) == std::string::npos) logged += one;  // attempts of one request have one transaction
        }
        if (!logged.empty()) text_ += logged + "\n";
    }

    static constexpr std::size_t at_once = 1u << 20;
    log_view view_;
    log_sink sink_;
    std::string text_;
    std::shared_ptr<const report::own_log> own_;
};

capture::evidence read_bundle_only(const log_options& asked) {
    if (asked.captures.size() > 1) throw std::runtime_error("log: a bundle is read alone; give one folder, or capture files");
    if (!asked.proxies.empty()) throw std::runtime_error("--proxy-addr: a bundle says itself where its proxy is");
    auto read = capture::read_bundle(asked.captures.front());
    if (!read) throw std::runtime_error(read.error());
    return std::move(*read);
}

/// Returns why what was printed is not all.
std::vector<std::string> read_and_print(const log_options& asked, printer& to) {
    if (std::ranges::any_of(asked.captures, [](const auto& file) { return std::filesystem::is_directory(file); })) {
        const auto evidence = read_bundle_only(asked);
        to.print(evidence);
        return evidence.incomplete;
    }
    const capture::taker_of_parts parts{.part = [&](const capture::evidence& part) { to.print(part); }, .anew = {}, .limits = {}};
    auto read = read_captures(asked.captures, asked.proxies, &parts);
    for (const auto& note : read.notes) complain(note);
    return std::move(read.evidence.incomplete);
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
    log->add_flag("--own", into.own, "Below each group what the bundled cache has logged of it by itself (a bundle, --format varnish)");
    log->add_flag("--follow", into.follow, "Capture on a live interface and print groups as they are over, until Ctrl-C");
    log->add_option("-i,--interface", into.interface, "With --follow: where to capture")->capture_default_str();
    log->add_option("--filter", into.filter, "With --follow: what to capture, as tcpdump filters")->capture_default_str();
    log->footer(examples);
    return log;
}

log_view::log_view(const log_options& asked)
    : by{*judge::grouping_named(asked.group)}, records{by}, format{*report::log_format_named(asked.format)} {
    if (asked.query.empty()) return;
    auto parsed = judge::query::parse(asked.query);
    if (!parsed) throw std::runtime_error("-q: " + parsed.error().text(asked.query));
    selects = std::move(*parsed);
}

std::vector<report::log_entry> log_view::entries(const capture::evidence& part) {
    auto groups = records.take(part);
    if (selects) std::erase_if(groups, [&](const judge::record_group& g) { return !selects->matches(g); });
    return report::log_entries(part, records.transactions(), groups, format);
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
    catch_interrupts();
    if (asked.follow && asked.own)
        throw std::runtime_error("--own: what is captured live has no bundle; leave one of --own and --follow out");
    if (asked.follow) return follow(asked, interrupt);
    printer to(asked);
    for (const auto& why : read_and_print(asked, to)) complain(why);
    to.finish();
    return 0;
}

}  // namespace badorigin::cli
