// A scenario: one claim, the peers' scripts, the steps, and what is expected. The one model behind YAML files, Python and captured traffic.
//
// Durations are resolved when a scenario is read: for virtual time from `promises`, for real time from `real`. What stays symbolic is only
// the instant of a step relative to an earlier step's begin.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fake-backends/script.h"

namespace badorigin::scenario {

using std::chrono::nanoseconds;

/// Where something stands in its file, for messages of every later stage. line 0: made by a program.
struct place {
    std::string file;
    int line = 0, column = 0;
    friend bool operator==(const place&, const place&) { return true; }  // not part of a scenario's meaning
};

/// `at: struck + grace + 2s`: an offset from the run's start, or from the begin of a named earlier step.
struct instant {
    std::string step;  ///< empty: the run's start
    nanoseconds offset{0};
    friend bool operator==(const instant&, const instant&) = default;
};

/// What one client step may be expected to have got. Absent members claim nothing. Each is shorthand for a query over the packets.
struct expectation {
    std::optional<int> status;
    std::vector<int> status_in;             ///< any of them; 0: the proxy closed without an answer
    std::optional<std::string> body;        ///< literal; compared whole
    std::optional<peers::content> body_of;  ///< generated: size and hash compared
    std::optional<nanoseconds> age;         ///< Age field, ± 1 s and whatever interval the packets allow
    std::optional<bool> age_present;        ///< Age field present at all
    std::optional<bool> stale;  ///< delivered past its promised ttl (true), or within it (false), by the fetch's time in the packets
    std::optional<int> fetches, attempts;     ///< fetches / origin attempts that this request caused
    std::optional<bool> own_fetch;            ///< the response is one that this request caused, or waited for a 304 that it caused
    std::vector<std::string> fetched_from;    ///< origins asked on its behalf, in order of the attempts
    std::optional<std::string> same_copy_as;  ///< name of a step whose response came from the same origin response
    std::vector<std::pair<std::string, std::string>>
        fields;  ///< name → regular expression (PCRE2, searched) that some line of that name matches
    std::vector<std::string> fields_absent;
    std::vector<std::pair<std::string, std::string>> fields_at_origin;  ///< the same of the last request that an origin got on its behalf
    std::vector<std::string> fields_absent_at_origin;
    std::vector<std::pair<std::string, std::string>> trailers, trailers_at_origin;  ///< the same two of the trailer section
    std::vector<std::string> trailers_absent, trailers_absent_at_origin;
    std::optional<std::vector<int>> interim;  ///< statuses of the interim responses before the final one, in order
    std::optional<bool> complete;             ///< the response ended as framed
    std::optional<bool> answered;             ///< any final response at all
    std::optional<bool> closed;               ///< the proxy closed (true) or kept (false) the connection after the response
    std::optional<std::string>
        body_at_origin;  ///< "whole": each attempt carried the request's body; "none": none did; "last": the last attempt did
    std::optional<bool> reused_at_origin;  ///< the first attempt went over a connection that had served before
    std::optional<bool> reused;            ///< this client exchange was not the first on its connection
    std::vector<std::string> overlaps;     ///< names of steps whose exchanges overlap this one in the packets
    std::optional<nanoseconds> within;     ///< from the request's last byte to the response's first, on the run's clock, at most
    std::optional<nanoseconds> at_least;   ///< … at least
    bool empty() const { return *this == expectation{}; }
    friend bool operator==(const expectation&, const expectation&) = default;
};

struct client_act {
    std::string name;  ///< of the step; given or "step-3", in a together "step-3.2"
    peers::request request;
    expectation expect, premise;  ///< a premise that does not hold makes the run inconclusive, never violated
    std::string proxy;            ///< which one it asks, where the scenario has several
    bool wait = true;             ///< false: the next step begins while this exchange is in flight
    int repeat = 1;               ///< sequential repetitions; the expectation holds for each ("NAME#2" is the second)
    place at;
    friend bool operator==(const client_act&, const client_act&) = default;
};

struct origin_act {
    std::string origin;
    enum class what : std::uint8_t { accept, refuse, ignore, never_read, close_at_once, close_idle, reset_idle } act = what::accept;
    friend bool operator==(const origin_act&, const origin_act&) = default;
};

struct proxy_act {
    enum class what : std::uint8_t { ban, reload, stop } act = what::ban;
    std::string argument;  ///< the ban's expression, a policy's name, or, of several, the proxy that goes down for good
    friend bool operator==(const proxy_act&, const proxy_act&) = default;
};

/// One step: clients (one, or several at once behind a barrier) or an act on an origin or the proxy, or waiting.
struct step {
    std::string name;
    std::optional<instant> at;        ///< absent: as soon as the step before is over
    std::vector<client_act> clients;  ///< two or more: together
    std::vector<origin_act> origins;  ///< performed before the clients send (in a `race`, in the same turn)
    std::optional<proxy_act> proxy;
    std::optional<nanoseconds> settle;  ///< lets work go on for that long (background fetches, probes)
    std::string await;                  ///< name of a client step in flight, or "all"
    place where;
    friend bool operator==(const step&, const step&) = default;
};

/// `where:` a condition over the whole run in the query language.
struct condition {
    std::string query;
    std::string group = "request";                ///< raw, vxid, request, session
    std::optional<int> count, at_least, at_most;  ///< groups that match; none given: at least 1
    bool premise = false;
    place at;
    friend bool operator==(const condition&, const condition&) = default;
};

/// What an origin is expected to have been asked in all, in order of arrival (probes and unscripted requests aside).
struct origin_log {
    std::string origin;
    std::optional<std::string> target;         ///< only this target
    std::optional<std::vector<int>> statuses;  ///< statuses it answered, in order; an attempt that got no status counts as 0
    std::optional<int> requests;
    place at;
    friend bool operator==(const origin_log&, const origin_log&) = default;
};

struct vitals_limits {
    std::optional<double> cpu_share;  ///< CPU time over real time between two steps, at most (0.5 = half a core)
    std::optional<std::uint64_t> descriptors_grow, resident_grow;  ///< from the first to the last sample, at most
    std::string from, to;                                          ///< steps between which it is taken; empty: start, end
    place at;
    friend bool operator==(const vitals_limits&, const vitals_limits&) = default;
};

/// Requests that the proxy itself sends to check an origin's health, as the packets show them.
struct probe_expectation {
    std::string origin, target;
    std::optional<int> at_least, at_most;
    place at;
    friend bool operator==(const probe_expectation&, const probe_expectation&) = default;
};

/// One of several proxies. Its policy knows the others by name, as it knows origins.
struct tier {
    std::string name, policy;
    friend bool operator==(const tier&, const tier&) = default;
};

enum class time_mode : std::uint8_t { virtual_time, real_time };

/// What it means when an expectation is not met. Rules and premises are the same in all.
enum class demand : std::uint8_t {
    required,  ///< an RFC's MUST, or the promise of a feature
    advice,    ///< an RFC's SHOULD
    optional   ///< an RFC's MAY: shows what the proxy can do
};

struct scenario {
    std::string id;  ///< "saint/blacklisted-url-keeps-away-from-its-origin": path below scenarios/ without .yaml
    std::string claim;
    demand kind = demand::required;
    std::vector<std::string> covers;                  ///< field-report items
    std::vector<std::string> sections;                ///< RFC sections
    std::string policy;                               ///< name of a folder in scenarios/policies; empty: "default"
    std::vector<tier> proxies;                        ///< several, who asks before who is asked; empty: one, with `policy`
    std::map<std::string, nanoseconds> promises;      ///< durations as resolved for `mode`: ttl, grace, saint, keep, and the scenario's own
    std::map<std::string, std::string> placeholders;  ///< other values for the policy
    std::vector<peers::origin_script> origins;
    std::vector<step> steps;
    std::vector<condition> conditions;
    std::vector<origin_log> origin_logs;
    std::vector<vitals_limits> vitals;
    std::vector<probe_expectation> probes;
    std::map<std::string, std::string> rules_off;  ///< rule id → reason
    std::map<std::string, std::string> not_for;    ///< driver name → reason
    std::vector<std::string> needs;                ///< driver capabilities: "ban", "reload", "plant", "vitals", "log", "virtual-time"
    bool proxy_protocol = false;                   ///< clients begin their connections with a PROXY header, which the proxy reads
    bool always_real_time = false;                 ///< `clock: real`
    bool can_be_real = true;                       ///< false: has promises or waits but no `real:` (too long for a real proxy)
    time_mode mode = time_mode::virtual_time;      ///< what the durations were resolved for
    std::string file;
    friend bool operator==(const scenario&, const scenario&) = default;
};

}  // namespace badorigin::scenario
