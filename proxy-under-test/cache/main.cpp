// badorigin-cache: an HTTP cache to be judged, with a clock that can be held and errors that can be planted.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "proxy-under-test/cache/control.h"
#include "proxy-under-test/cache/engine.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/vcl/reference.h"

namespace {
using namespace badorigin::cache;

struct options {
    std::vector<std::string> listen, plant, store;
    limits most;
    std::optional<std::size_t> most_connections;
    std::uint64_t log_memory = 1024 * 1024;
    std::string vcl, control, clock = "real", log, builtin = "rfc", user;
    std::int64_t now_ns = 0;
    bool check = false, list = false, list_vcl = false, cache_status = false;
};

constexpr std::uint64_t most_log_memory = 1024 * 1024 * 1024;

constexpr auto examples = R"(Examples:
  badorigin-cache --listen 127.0.0.1:8080 --vcl policy.vcl
      serves until it gets a signal
  badorigin-cache --check --vcl policy.vcl
      says what is wrong with the policy, and where
  badorigin-cache --listen 127.0.0.1:0 --vcl policy.vcl --control /run/cache.sock --clock virtual --now-ns 1700000000000000000
      lets whoever holds the control socket move the time
  badorigin-cache --listen 127.0.0.1:8080 --vcl policy.vcl --plant ignore-grace --plant no-age
      commits these errors; --list-planted-bugs names all
)";

void set_up(CLI::App& app, options& into) {
    app.set_version_flag("--version", "badorigin-cache 0.1.0");
    app.add_option(
        "--listen", into.listen,
        "HOST:PORT[,PROXY] to serve clients on; port 0 chooses one. PROXY: each connection begins with a PROXY header, version 1 or 2");
    app.add_option("--vcl", into.vcl, "The policy");
    app.add_option("--control", into.control, "Unix socket for control; when its one connection ends, the process does");
    app.add_option("--clock", into.clock, "real, or virtual: time moves only by the control socket")
        ->check(CLI::IsMember({"real", "virtual"}));
    app.add_option("--now-ns", into.now_ns, "Where a virtual clock starts, in nanoseconds since 1970");
    app.add_option("--plant", into.plant, "An error to commit; may be given several times");
    app.add_option("--log", into.log, "Where to write the log of all transactions");
    app.add_option("--log-memory", into.log_memory,
                   "For those who read the log over the control socket, together; the slowest lose records beyond it; 1MiB if not said")
        ->transform(CLI::AsSizeValue(false));
    app.add_option(
           "--most-refreshes", into.most.refreshes,
           "Refreshes of stale responses in the background, at once; 1000 if not said. Where there are as many, a stale hit starts none")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--most-connections", into.most_connections,
                   "Of clients, at once; 10000 if not said, or as many as there are descriptors for. For one more the kept connection "
                   "that has waited longest for its next request is closed; where none waits, the newcomer does")
        ->check(CLI::PositiveNumber);
    app.add_option("--user", into.user, "Who to be once the sockets are open, when started as root; \"nobody\" if not said");
    app.add_option("--builtin", into.builtin,
                   "What stands behind the policy: rfc (as RFC 9111 wants a shared cache, if not said) or varnish (as Varnish 7 does)")
        ->check(CLI::IsMember({"rfc", "varnish"}));
    app.add_flag("--cache-status", into.cache_status, "Tell clients what the cache did: Cache-Status (RFC 9211)");
    app.add_option("--store", into.store,
                   "[NAME=]SIZE of a storage area, such as 256MiB; without NAME it is \"default\", which has 256 MiB");
    app.add_option("--largest-response", into.most.response, "A response with more content is a failed fetch; 64MiB if not said")
        ->transform(CLI::AsSizeValue(false));
    app.add_flag("--check", into.check, "Only check the policy: exit 0 or 2");
    app.add_flag("--list-planted-bugs", into.list, "Print the ids for --plant, and what each does");
    app.add_flag("--list-vcl", into.list_vcl,
                 "Print what this cache has of the language of policies: variables, actions, functions, objects");
    app.footer(examples);
}

/// "127.0.0.1:80", "[::1]:80".
std::pair<std::string, std::uint16_t> host_and_port(const std::string& text) {
    const auto colon = text.rfind(':');
    try {
        std::size_t used = 0;
        const auto port = std::stoul(text.substr(colon + 1), &used);
        if (colon == std::string::npos || used + colon + 1 != text.size() || port > 65535) throw std::invalid_argument(text);
        auto host = text.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        return {host == "localhost" ? "127.0.0.1" : host, static_cast<std::uint16_t>(port)};
    } catch (const std::logic_error&) { throw std::runtime_error("--listen wants HOST:PORT, not \"" + text + "\""); }
}

/// R2.18: whoever breaks into the cache is nobody in particular.
void drop_privileges(const std::string& to) {
    if (::geteuid() != 0) {
        if (!to.empty()) throw std::runtime_error("--user needs to be started as root");
        return;
    }
    const auto name = to.empty() ? std::string("nobody") : to;
    const auto* who = ::getpwnam(name.c_str());
    if (!who) throw std::runtime_error("There is no user \"" + name + "\"");
    if (who->pw_uid == 0) return;  // root in a container may lack the right to become even that
    if (::setgroups(0, nullptr) != 0 || ::setgid(who->pw_gid) != 0 || ::setuid(who->pw_uid) != 0)
        throw std::runtime_error("Cannot become " + name + ": " + std::strerror(errno));
}

/// "256MiB", "hot=1GiB".
std::pair<std::string, std::uint64_t> name_and_size(const std::string& text) {
    const auto equals = text.find('=');
    const auto name = equals == std::string::npos ? "default" : text.substr(0, equals);
    auto size = equals == std::string::npos ? text : text.substr(equals + 1);
    const auto wrong = CLI::AsSizeValue(false)(size);
    if (!wrong.empty() || name.empty())
        throw std::runtime_error("--store wants [NAME=]SIZE, such as 256MiB or hot=1GiB, not \"" + text + "\"");
    return {name, std::stoull(size)};
}

void run(const options& asked) {
    if (asked.vcl.empty()) throw std::runtime_error("Say which policy to follow: --vcl FILE");
    const bool by_rfc = asked.builtin == "rfc";
    auto first = load_configuration("boot", asked.vcl, by_rfc ? vcl::builtin::rfc : vcl::builtin::varnish);
    if (asked.check) return;
    if (asked.listen.empty()) throw std::runtime_error("Say where to serve: --listen HOST:PORT");
    if (asked.log_memory < record_log::least_memory || asked.log_memory > most_log_memory)
        throw std::runtime_error("--log-memory must be from 64KiB to 1GiB");
    for (const auto& id : asked.plant) {
        const auto which = bug_named(id);
        if (!which) throw std::runtime_error("There is no planted bug \"" + id + "\"; --list-planted-bugs names all");
        plant(*which);
    }
    const auto clients = provide_for_clients(asked.most_connections);
    // Never destroyed: at exit there are coroutines in the middle of everything, and the kernel closes what they hold.
    static auto& all =
        *new engine(asked.clock == "virtual" ? badorigin::cache::clock::mode::virtual_time : badorigin::cache::clock::mode::real,
                    nanoseconds(asked.now_ns), asked.log);
    all.by_rfc = by_rfc;
    all.tell_status = asked.cache_status;
    all.most = asked.most;
    all.clients.most = clients;
    all.log.memory = asked.log_memory;
    for (const auto& each : asked.store) {
        const auto [name, size] = name_and_size(each);
        all.objects.areas[name].limit = size;
    }
    static auto& signals = *new boost::asio::signal_set(all.io, SIGINT, SIGTERM);
    signals.async_wait([](const boost::system::error_code&, int) { all.stop(); });
    std::unique_ptr<control> steered;
    if (!asked.control.empty()) steered = std::make_unique<control>(all, asked.control);
    std::string ready;
    for (const auto& where : asked.listen) {
        const bool proxied = where.ends_with(",PROXY");
        const auto [host, port] = host_and_port(proxied ? where.substr(0, where.size() - 6) : where);
        ready +=
            fmt::format("ready {}:{}\n", host.find(':') == std::string::npos ? host : '[' + host + ']', listen(all, host, port, proxied));
    }
    drop_privileges(asked.user);
    std::cout << ready << std::flush;
    all.configurations[first->name] = first;
    all.use(first);
    all.run([&] { return steered && steered->quiescent(); });
}
}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    options asked;
    CLI::App app{"An HTTP cache that follows a VCL policy, on a clock that can be held.", "badorigin-cache"};
    set_up(app, asked);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) { return app.exit(wrong) == 0 ? 0 : 2; }
    if (asked.list) {
        for (const auto& each : planted_bug_table()) std::cout << each.id << '\t' << each.does << '\n';
        return 0;
    }
    if (asked.list_vcl) {
        std::cout << vcl::reference();
        return 0;
    }
    try {
        run(asked);
    } catch (const std::runtime_error& wrong) {
        std::cerr << "badorigin-cache: " << wrong.what() << '\n';
        return 2;
    }
    return 0;
}
