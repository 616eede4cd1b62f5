#include "proxy-under-test/cache/clients.h"

#include <algorithm>

#include <fmt/core.h>
#include <sys/resource.h>

#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr auto pause_without_descriptors = std::chrono::milliseconds(100);  ///< others than clients may give some back
constexpr std::size_t usual = 10'000;
constexpr rlim_t of_each = 2, of_the_rest = 64;  ///< one to the client and one to an origin; files, listeners, probes, control
}  // namespace

awaitable<void> client_list::room() {
    ++held_up_;
    while (open_ >= most && !planted(bug::no_cap_on_clients)) {
        ask_one_to_go();
        co_await change({});
    }
    --held_up_;
}

awaitable<void> client_list::pause() {
    ++held_up_;
    ask_one_to_go();
    co_await change(time_.now() + pause_without_descriptors);
    --held_up_;
}

/// It may have got its next request already; then it goes to work instead, and that is a change, too.
void client_list::ask_one_to_go() {
    if (resting_.empty()) return;
    auto& longest = *resting_.front();
    longest.apart_.splice(longest.apart_.end(), resting_, longest.self_);
    longest.asked_ = true;
    longest.of_.interrupt();
}

awaitable<void> client_list::change(std::optional<nanoseconds> until) {
    const auto wake = std::make_shared<std::function<void()>>();
    std::optional<timer> limit;
    if (until) limit.emplace(time_, *until, [this] { tell_of_change(); });
    co_await until_woken([&](auto call) {
        *wake = call;
        waiting_.push_back(wake);
    });
}

void client_list::tell_of_change() {
    for (const auto& each : std::exchange(waiting_, {})) (*each)();
}

client_list::place::place(client_list& among, connection& of) : among_(among), of_(of) {
    ++among_.open_;
}

client_list::place::~place() {
    work();
    --among_.open_;
    among_.tell_of_change();
}

void client_list::place::rest() {
    if (apart_.empty()) return;
    among_.resting_.splice(among_.resting_.end(), apart_);
    among_.tell_of_change();
}

void client_list::place::work() {
    if (apart_.empty()) apart_.splice(apart_.end(), among_.resting_, self_);
    if (std::exchange(asked_, false)) among_.tell_of_change();
}

std::size_t provide_for_clients(std::optional<std::size_t> wanted) {
    const auto clients = wanted.value_or(usual);
    rlimit allowed{};
    ::getrlimit(RLIMIT_NOFILE, &allowed);
    const auto needed = of_each * clients + of_the_rest;
    if (allowed.rlim_cur < needed) {
        allowed.rlim_cur = std::min<rlim_t>(needed, allowed.rlim_max);
        ::setrlimit(RLIMIT_NOFILE, &allowed);
    }
    if (allowed.rlim_cur >= needed) return clients;
    if (wanted)
        throw std::runtime_error(fmt::format("--most-connections {} needs {} open files, and the system allows {}: raise that (ulimit -n)",
                                             clients, needed, allowed.rlim_cur));
    return (std::max(allowed.rlim_cur, of_the_rest + of_each) - of_the_rest) / of_each;
}

}  // namespace badorigin::cache
