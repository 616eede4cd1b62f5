#include "harness/live/live.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>
#include <poll.h>

#include "capture/foreign.h"
#include "harness/judge/facts.h"

namespace badorigin::live {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds settle{1};  // a retry may still follow what seems to be over
constexpr std::chrono::milliseconds shortest_pause{250};

bool is_over(const capture::exchange& e, capture::nanoseconds now) {
    return (e.answered_whole() || e.on->closed()) && judge::end_of(e).time + settle < now;
}

bool is_over(const capture::transaction& t, capture::nanoseconds now) {
    const auto over = [now](const capture::exchange_ptr& e) { return is_over(*e, now); };
    return (!t.client || over(t.client)) &&
           std::ranges::all_of(t.fetches, [&](const capture::fetch& f) { return std::ranges::all_of(f.attempts, over); });
}

std::unique_ptr<capture::recorder> start(const settings& asked, const std::string& file) {
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

class follower::private_file {
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
    /// Nothing: nothing was captured yet.
    std::optional<capture::evidence> read(const std::vector<std::string>& proxies) const {
        auto read = capture::read_foreign({path()}, {proxies, {}});
        return read ? std::optional(std::move(read->evidence)) : std::nullopt;
    }

private:
    fs::path folder_;
};

view::view(capture::evidence&& evidence, capture::nanoseconds now) : evidence_{std::move(evidence)} {
    std::unordered_set<const capture::connection*> busy;
    for (const auto& t : evidence_.transactions) {
        if (is_over(t, now)) {
            for (const auto id : exchanges_of(t)) exchanges_.insert(id);
        } else if (t.client) {
            busy.insert(t.client->on.get());
        }
    }
    for (const auto& c : evidence_.connections)
        if (c->closed() && c->last.time + settle < now && !busy.contains(c.get())) sessions_.insert(c->id);
}

bool view::over(const std::vector<std::uint64_t>& exchanges, std::uint64_t session) const {
    return ended_ || (std::ranges::all_of(exchanges, [&](auto id) { return exchanges_.contains(id); }) &&
                      (session == 0 || sessions_.contains(session)));
}

follower::follower(settings asked)
    : asked_{std::move(asked)},
      file_{std::make_unique<private_file>()},
      recorder_{start(asked_, file_->path())},
      next_{steady_clock::now() + shortest_pause} {}

follower::~follower() = default;

std::shared_ptr<const view> follower::look(std::chrono::milliseconds patience) {
    const auto deadline = steady_clock::now() + patience;
    const auto until = std::chrono::ceil<std::chrono::milliseconds>(std::min(deadline, next_) - steady_clock::now());
    if (until.count() > 0) ::poll(nullptr, 0, static_cast<int>(until.count()));
    if (const auto error = recorder_->error(); !error.empty()) throw std::runtime_error(error);
    const auto begun = steady_clock::now();
    if (begun < next_) return nullptr;
    auto evidence = file_->read(asked_.proxies);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    auto seen = evidence ? std::make_shared<const view>(std::move(*evidence), now) : nullptr;
    const auto ended = steady_clock::now();
    next_ = ended + std::max<steady_clock::duration>(shortest_pause, 9 * (ended - begun));
    return seen;
}

std::shared_ptr<const view> follower::end() {
    const auto result = recorder_->stop();
    kernel_drops_ = result.kernel_drops;
    if (!result.error.empty()) throw std::runtime_error(result.error);
    auto evidence = file_->read(asked_.proxies);
    return evidence ? std::make_shared<const view>(std::move(*evidence)) : nullptr;
}

std::string key_of(const capture::exchange& what) {
    const auto& first = what.request ? what.request : what.response;
    return fmt::format("{} {}", what.on->opened.number, first ? first->message.begin : 0);
}

std::vector<std::uint64_t> exchanges_of(const capture::transaction& t) {
    std::vector<std::uint64_t> all;
    if (t.client) all.push_back(t.client->id);
    for (const auto& f : t.fetches)
        for (const auto& a : f.attempts) all.push_back(a->id);
    return all;
}

}  // namespace badorigin::live
