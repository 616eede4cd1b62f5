// Drivers start, configure, clock, watch and stop a proxy as a separate process. One header for all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace badorigin::drivers {

using std::chrono::nanoseconds;

/// Set-up mistakes and proxies that cannot be started: one sentence that a user can act on, with the proxy's last words.
struct set_up_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What a proxy is started with. A value type: the scenario composes it.
struct proxy_settings {
    std::string policy_directory;                     ///< scenarios/policies/NAME; empty: none is needed
    std::map<std::string, std::string> placeholders;  ///< "ttl" → "30s", …; `{name}` in the policy's text
    std::map<std::string, std::string> origins;  ///< name → "127.0.0.1:9001"; `{origin:NAME}`, `{origin:NAME.host}`, `{origin:NAME.port}`
    std::string listen = "127.0.0.1:8080";       ///< `{listen}`, `{listen.host}`, `{listen.port}`
    std::string working_directory;               ///< the bundle's proxy/ folder: configuration, parameters, log go here
    bool proxy_protocol = false;                 ///< connections to it begin with a PROXY header
    bool virtual_time = false;                   ///< only where the driver can
    bool favoured = false;                       ///< once it serves it goes before other programs, where that is permitted
    nanoseconds wall_start{0};                   ///< Unix time at the run's clock zero, virtual time only
    std::vector<std::string> planted_bugs;       ///< bundled only
    std::chrono::milliseconds start_deadline{20'000}, stop_deadline{5'000};
    const std::atomic<bool>* interrupt = nullptr;  ///< when it becomes true, a start that still waits throws "interrupted"
};

/// Fills `{…}` placeholders. Unknown ones that look like ours (`{origin:x}`, `{listen}`, or a bare `{word}` that the settings define) are
/// an error; other braces (VCL, nginx) stay as they are. Throws set_up_error with the line.
std::string fill_template(const std::string& text, const proxy_settings& settings, const std::string& file);

struct vitals {
    nanoseconds cpu{0};      ///< user + system of the process tree, ended children included where the kernel tells
    nanoseconds starved{0};  ///< its threads, those that live, were ready to run and other programs had the cores; summed over the threads
    std::uint64_t resident_bytes = 0;
    std::uint32_t descriptors = 0, processes = 0;
    bool alive = true;
    std::string exit;  ///< "exit 1", "signal 6 (Aborted)" when not alive
};

/// State of a proxy with virtual time, after it came to rest (docs/control-protocol.md).
struct rest {
    std::uint64_t activity = 0, unacknowledged = 0;
    std::optional<nanoseconds> next_timer;  ///< of the run's clock (zero = wall_start)
};

/// Features that a scenario may need.
enum class capability : std::uint8_t { virtual_time, ban, reload, plant, vitals, log, proxy_protocol };

class driver {
public:
    virtual ~driver() = default;
    /// "bundled", "varnish", "cmd", "at".
    virtual std::string name() const = 0;
    /// "badorigin-cache 0.1.0", "varnish-7.1.1 revision …"; empty where unknown.
    virtual std::string version() const = 0;
    virtual bool can(capability what) const = 0;
    /// The file that this driver looks for in a policy folder ("varnish.vcl"); a scenario whose policy has none is not applicable.
    virtual std::string policy_file() const = 0;
    /// The same for a folder that may hold another which only some proxies read.
    virtual std::string policy_file_in(const std::string& /*folder*/) const { return policy_file(); }
    /// Throws set_up_error when it is certain beforehand that no start will do: the program is not installed, nobody listens at the
    /// address.
    virtual void require_startable() const = 0;
    /// Starts in the calling thread's network namespace and waits until it accepts connections. Throws set_up_error.
    virtual void start(const proxy_settings& settings) = 0;
    /// "127.0.0.1:8080": where it listens.
    virtual std::string address() const = 0;
    /// Virtual time.
    virtual rest sync() = 0;
    virtual rest advance(nanoseconds to) = 0;
    /// Moves the clock alone; the timers that are due fire with the next advance().
    virtual void set_clock(nanoseconds to) = 0;
    /// Administrative acts; throw set_up_error where unsupported or refused.
    virtual void ban(const std::string& expression) = 0;
    virtual void reload(const std::string& policy_directory) = 0;
    virtual vitals measure() = 0;
    /// Empty while it runs as it should; otherwise how it died by itself. Never blocks.
    virtual std::string crashed() = 0;
    /// Ends it (politely, then by force at the deadline), reaps everything, writes the rest of the log. Never throws; returns a sentence
    /// when force was needed.
    virtual std::string stop() = 0;
    /// The last lines of what it said, for messages.
    virtual std::string last_words() const = 0;
};

/// "bundled", "varnish", "varnish:/path/to/varnishd", "cmd:command line", "at:HOST:PORT". Throws set_up_error naming the known kinds.
/// `program_directory` is where badorigin-cache is found.
std::unique_ptr<driver> make_driver(const std::string& specification, const std::string& program_directory);

}  // namespace badorigin::drivers
