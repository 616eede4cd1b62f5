// `badorigin log CAPTURE…`: what was asked and answered, from the packets of any proxy.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "harness/judge/query.h"
#include "reports/log.h"

namespace CLI {
class App;
}

namespace badorigin::cli {

struct log_options {
    std::vector<std::string> captures;
    std::string group = "request", query, format = "varnish", out;
    std::vector<std::string> proxies;
    bool follow = false, own = false;
    std::string interface = "lo", filter = "tcp";
};

/// The subcommand, with its help.
CLI::App* add_log(CLI::App& app, log_options& into);

/// Which groups, and how they look; throws std::runtime_error where the query is wrong.
struct log_view {
    explicit log_view(const log_options& asked);
    /// Of the next part.
    std::vector<report::log_entry> entries(const capture::evidence& part);

    judge::grouping by;
    judge::record_maker records;
    std::optional<judge::query> selects;
    report::log_format format;
};

/// Where entries go: a file, or standard output.
class log_sink {
public:
    explicit log_sink(const std::string& file);
    ~log_sink();
    log_sink(const log_sink&) = delete;
    log_sink& operator=(const log_sink&) = delete;
    void put(const std::string& text);
    /// Throws where something could not be written.
    void close();

private:
    std::string name_;
    std::FILE* file_ = nullptr;
};

/// Returns the exit code; throws std::runtime_error with a sentence.
int log(const log_options& asked);
/// --follow: prints what is over until `stop` is set, then the rest.
int follow(const log_options& asked, const std::atomic<bool>& stop);

}  // namespace badorigin::cli
