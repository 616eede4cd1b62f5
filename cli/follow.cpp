// `badorigin log --follow`: what is over is printed, once.
#include <algorithm>
#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "cli/front.h"
#include "cli/log.h"
#include "harness/live/live.h"

namespace badorigin::cli {

namespace {

class printer {
public:
    explicit printer(const log_options& asked)
        : asked_(asked),
          raw_(log_view(asked).by == judge::grouping::raw && log_view(asked).format == report::log_format::varnish),
          sink_(asked.out) {}

    void print(const live::view& seen) {
        std::vector<std::string> now;
        log_view view(asked_);  // all is seen again from its beginning
        for (const auto& entry : view.entries(seen.evidence())) {
            if (!seen.over(entry.exchanges, entry.session)) continue;
            auto key = key_of(seen.evidence(), entry);
            if (printed_.contains(key)) continue;
            sink_.put(entry.text);
            now.push_back(std::move(key));
        }
        printed_.insert(std::make_move_iterator(now.begin()), std::make_move_iterator(now.end()));
    }
    void close() { sink_.close(); }

private:
    std::string key_of(const capture::evidence& evidence, const report::log_entry& entry) const {
        const auto without_number =
            entry.text.find_first_not_of("0123456789", std::min(entry.text.find_first_not_of(' '), entry.text.size()));
        std::string key = fmt::format("{} {}", entry.frame, raw_ ? entry.text.substr(without_number) : std::string());
        if (entry.session != 0 || entry.exchanges.empty()) return key + " session";
        return key + " " + live::key_of(*evidence.exchanges.at(entry.exchanges.front() - 1));
    }

    const log_options& asked_;
    const bool raw_;
    log_sink sink_;
    std::set<std::string> printed_;
};

}  // namespace

int follow(const log_options& asked, const std::atomic<bool>& stop) {
    constexpr std::chrono::milliseconds patience{50};
    printer log(asked);
    live::follower traffic({asked.interface, asked.filter, asked.proxies});
    while (!stop.load())
        if (const auto seen = traffic.look(patience)) log.print(*seen);
    if (const auto seen = traffic.end()) log.print(*seen);
    log.close();
    if (traffic.kernel_drops() > 0)
        complain(fmt::format("the kernel dropped {} packets; what was carried by them is missing", traffic.kernel_drops()));
    return 0;
}

}  // namespace badorigin::cli
