// Health probes: a request at intervals, and the verdict over the last few answers.
//
// An answer without a status line, or a connection that closes before one, is a failed probe at once; waiting on would gain nothing,
// and looking again and again at a connection that has ended is how a checker once burnt a core (R4).
#include <boost/asio/co_spawn.hpp>
#include <fmt/core.h>

#include "proxy-under-test/cache/engine.h"
#include "proxy-under-test/cache/message_reader.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/planted_damage.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
std::string probe_request(const backend& of) {
    const auto& probe = *of.definition.probe;
    if (!probe.request.empty()) return probe.request;
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: badorigin-cache probe\r\nConnection: close\r\n\r\n", probe.url,
                       of.host());
}

/// What comes behind the head is read, so that the close is a clean one; the verdict does not wait for that.
awaitable<void> drain(engine& in, connection_ptr origin, nanoseconds until) {
    for (auto got = io::ok; got == io::ok;) {
        origin->input.clear();
        got = co_await origin->read(until - in.now());
    }
    origin->close();
}

/// How far a probe came.
struct probed {
    bool connected = false, sent = false, answered = false;
    std::string line;  ///< of the status
    nanoseconds took{0};
};

/// What was wrong, or nothing.
awaitable<std::optional<std::string>> probe_once(engine& in, const backend& of, probed& seen) {
    const auto deadline = in.now() + of.definition.probe->timeout;
    const auto left = [&] { return deadline - in.now(); };
    auto opened = co_await connection::to(in.net, of.address, of.port, left());
    if (!opened) co_return opened.error();
    seen.connected = true;
    auto& origin = **opened;
    const auto& ends = origin.ends;  // of no client: from us to the origin
    auto pending =
        of.greeting(
            {.client_ip = ends.local_ip, .server_ip = ends.remote_ip, .client_port = ends.local_port, .server_port = ends.remote_port}) +
        probe_request(of);
    if (co_await origin.write(pending, left()) != io::ok) co_return "cannot send";
    seen.sent = true;
    message_reader reader(side::response, true);
    std::optional<std::string> failure;
    while (!failure && !reader.head_complete()) {
        const auto result = co_await origin.read(left());
        if (result == io::timed_out) co_return "timeout";
        if (result != io::ok) failure = "closed without an answer";
        if (auto put = reader.put(origin.input, true); !put) failure = put.error();
    }
    if (failure) {
        if (planted(bug::spin_on_headerless_probe)) {
            const cpu_burner burner;
            co_await sleep_until(in.time, deadline);
        }
        co_return failure;
    }
    seen.answered = true;
    const auto& answer = reader.response();
    const auto status = answer.status;
    seen.line = fmt::format("{} {} {}", version_text(answer.version), status, answer.reason);
    if (status != of.definition.probe->expected_response) co_return fmt::format("status {}", status);
    boost::asio::co_spawn(in.io, drain(in, std::move(*opened), deadline), unattended);
    co_return std::nullopt;
}

/// Backend_health "CONFIGURATION.NAME Went|Still|Back healthy|sick STEPS GOOD THRESHOLD WINDOW TOOK AVERAGE ANSWER". STEPS are Varnish's:
/// 4 or 6 connected, X sent, x could not, R answered, r did not, H happily.
void tell_health(engine& in, const configuration& of, const backend& which, bool was_healthy, const probed& last, nanoseconds average,
                 const std::string& failure) {
    if (!in.log.wanted()) return;
    const bool healthy = which.healthy(), ipv6 = which.address.find(':') != std::string::npos;
    const auto flag = [](bool set, char letter) { return set ? letter : '-'; };
    const std::string steps{flag(last.connected && !ipv6, '4'),
                            flag(last.connected && ipv6, '6'),
                            '-',
                            flag(last.connected && !last.sent, 'x'),
                            flag(last.sent, 'X'),
                            flag(last.sent && !last.answered, 'r'),
                            flag(last.answered, 'R'),
                            flag(failure.empty(), 'H')};
    const auto& probe = *which.definition.probe;
    in.log.put(0, "Backend_health", '-',
               fmt::format("{}.{} {} {} {} {} {} {} {:.6f} {:.6f} \"{}\"", of.name, which.name(),
                           healthy == was_healthy ? "Still"
                           : healthy              ? "Back"
                                                  : "Went",
                           healthy ? "healthy" : "sick", steps, which.probed->good(), probe.threshold, probe.window, seconds_of(last.took),
                           seconds_of(average), last.line.empty() ? failure : last.line));
}

awaitable<void> probe_while_warm(engine& in, configuration_ptr of, backend& which) {
    constexpr int average_over = 4;
    const auto started = of->warmed;
    nanoseconds average{0};
    const auto wanted = [&] { return of->warm && of->warmed == started; };
    while (wanted()) {
        const auto interval = planted(bug::probe_too_often) ? which.definition.probe->interval / 3 : which.definition.probe->interval;
        const auto due = in.now() + std::max(interval, nanoseconds(std::chrono::milliseconds(1)));
        probed seen;
        const auto begun = in.now();
        const auto failure = co_await probe_once(in, which, seen);
        if (!wanted()) break;
        seen.took = in.now() - begun;
        if (!failure) average += (seen.took - average) / average_over;
        const bool was_healthy = which.healthy();
        which.probed->add(!failure);
        tell_health(in, *of, which, was_healthy, seen, average, failure.value_or(""));
        co_await sleep_until(in.time, std::max(due, in.now()));
    }
}
}  // namespace

void start_probes(engine& in, const configuration_ptr& of) {
    for (const auto& each : of->backends.backends()) {
        if (each->probed) boost::asio::co_spawn(in.io, probe_while_warm(in, of, *each), unattended);
    }
}

}  // namespace badorigin::cache
