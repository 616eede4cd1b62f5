// Live traffic is recorded into a file of its own, and the file is read again from its beginning whenever it has grown: the same code reads
// it, so that what is printed live is what a capture would give. Reading takes at most a tenth of the time, so the longer it goes on the
// later things show; it is for watching, not for weeks.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <unordered_set>

#include <fmt/format.h>
#include <poll.h>

#include "capture/foreign.h"
#include "capture/recorder.h"
#include "cli/log.h"
#include "harness/judge/facts.h"

namespace badorigin::cli {

namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::seconds settle{1};  // a retry may still follow what seems to be over
constexpr std::chrono::milliseconds shortest_pause{250};

class private_file {
public:
    private_file() {
        auto pattern = (fs::temp_directory_path() / "badorigin-follow-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error(fmt::format("{}: no folder can be made there", fs::temp_directory_path().string()));
        folder_ = pattern;
    }
    ~private_file() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    private_file(const private_file&) = delete;
    private_file& operator=(const private_file&) = delete;
    std::string path() const { return folder_ / "packets.pcapng"; }

private:
    fs::path folder_;
};

/// What cannot change any more: exchanges of transactions that are over, and sessions whose transactions are.
struct settled {
    std::unordered_set<std::uint64_t> exchanges, sessions;

    settled(const capture::evidence& evidence, capture::nanoseconds now) {
        std::unordered_set<const capture::connection*> busy;
        for (const auto& t : evidence.transactions) {
            bool over = !t.client || is_over(*t.client, now);
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts) over = over && is_over(*a, now);
            if (!over) {
                if (t.client) busy.insert(t.client->on.get());
                continue;
            }
            if (t.client) exchanges.insert(t.client->id);
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts) exchanges.insert(a->id);
        }
        for (const auto& c : evidence.connections)
            if (c->closed() && c->last.time + settle < now && !busy.contains(c.get())) sessions.insert(c->id);
    }
    bool covers(const report::log_entry& e) const {
        return std::ranges::all_of(e.exchanges, [&](auto id) { return exchanges.contains(id); }) &&
               (e.session == 0 || sessions.contains(e.session));
    }

private:
    static bool is_over(const capture::exchange& e, capture::nanoseconds now) {
        return (e.answered_whole() || e.on->closed()) && judge::end_of(e).time + settle < now;
    }
};

class follower {
public:
    explicit follower(const log_options& asked)
        : asked_(asked),
          raw_(log_view(asked).by == judge::grouping::raw && log_view(asked).format == report::log_format::varnish),
          sink_(asked.out) {}

    /// Prints what was not printed yet and is over; at the end everything.
    void look(const std::string& file, bool at_the_end) {
        auto read = capture::read_foreign({file}, {asked_.proxies, {}});
        if (!read) return;  // nothing was captured yet
        const auto& evidence = read->evidence;
        const settled over(evidence, std::chrono::system_clock::now().time_since_epoch());
        std::vector<std::string> now;
        log_view view(asked_);
        for (const auto& entry : view.entries(evidence)) {
            if (!at_the_end && !over.covers(entry)) continue;
            auto key = key_of(evidence, entry);
            if (printed_.contains(key)) continue;
            sink_.put(entry.text);
            now.push_back(std::move(key));
        }
        printed_.insert(std::make_move_iterator(now.begin()), std::make_move_iterator(now.end()));
    }
    void close() { sink_.close(); }

private:
    /// Numbers may shift when earlier traffic is understood later; frames and offsets do not.
    std::string key_of(const capture::evidence& evidence, const report::log_entry& entry) const {
        const auto without_number =
            entry.text.find_first_not_of("0123456789", std::min(entry.text.find_first_not_of(' '), entry.text.size()));
        std::string key = fmt::format("{} {}", entry.frame, raw_ ? entry.text.substr(without_number) : std::string());
        if (entry.session != 0 || entry.exchanges.empty()) return key + " session";
        const auto& e = *evidence.exchanges.at(entry.exchanges.front() - 1);
        const auto& first = e.request ? e.request : e.response;
        return key + fmt::format(" {} {}", e.on->opened.number, first ? first->message.begin : 0);
    }

    const log_options& asked_;
    const bool raw_;
    log_sink sink_;
    std::set<std::string> printed_;
};

std::unique_ptr<capture::recorder> start(const log_options& asked, const std::string& file) {
    capture::recorder_settings settings;
    settings.interface = asked.interface;
    settings.file = file;
    settings.filter = asked.filter;
    auto started = capture::recorder::start(settings);
    if (!started)
        throw std::runtime_error(started.error().message + (started.error().permission ? ": " + capture::how_to_capture() : std::string()));
    return std::move(*started);
}

}  // namespace

int follow(const log_options& asked, const std::atomic<bool>& stop) {
    const private_file file;
    follower log(asked);
    const auto recorder = start(asked, file.path());
    auto next = steady_clock::now() + shortest_pause;
    while (!stop.load() && recorder->error().empty()) {
        ::poll(nullptr, 0, 50);  // a signal ends it early
        if (steady_clock::now() < next) continue;
        const auto begun = steady_clock::now();
        log.look(file.path(), false);
        const auto ended = steady_clock::now();
        next = ended + std::max<steady_clock::duration>(shortest_pause, 9 * (ended - begun));
    }
    const auto result = recorder->stop();
    if (!result.error.empty()) throw std::runtime_error(result.error);
    log.look(file.path(), true);
    log.close();
    if (result.kernel_drops > 0)
        std::fputs(
            fmt::format("badorigin: the kernel dropped {} packets; what was carried by them is missing\n", result.kernel_drops).c_str(),
            stderr);
    return 0;
}

}  // namespace badorigin::cli
