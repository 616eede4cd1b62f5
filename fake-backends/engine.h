// Scripted peers on real sockets: origins that listen, clients that ask, one event loop in the caller's thread.
//
// The engine never judges. What it tells (finished, received) paces the run and shows when the capture lacks something.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fake-backends/handover.h"
#include "fake-backends/script.h"

namespace badorigin::peers {

/// Set-up mistakes: one sentence that a user can act on.
struct set_up_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct engine_settings {
    bool virtual_time = false;
    nanoseconds wall_start{0};            ///< Unix time that the run's clock zero stands for; Date fields are made from wall_start + clock
    std::string run;                      ///< short unique text that begins every token and serial ("k3f9")
    std::string host = "badorigin.test";  ///< Host field of clients
    bool all_addresses = false;           ///< origins listen at every address, not at 127.0.0.1 alone
    bool keep_received = false;           ///< what clients receive is kept, for `heard`
};

/// What a socket of ours received, and how it ended.
struct socket_record {
    std::string local, remote;  ///< "127.0.0.1:40000"
    std::uint64_t bytes = 0;
    bool fin = false, rst = false;
};

/// For the tap evidence: called synchronously for everything our sockets do. Directions are ours.
struct socket_watch {
    std::function<void(const std::string& local, const std::string& remote, bool we_connected)> opened;
    std::function<void(const std::string& local, const std::string& remote, bool sent, const char* bytes, std::size_t size)> data;
    std::function<void(const std::string& local, const std::string& remote, bool sent, bool reset)> ended;
};

/// Answers an origin's request in the place of its script; nothing: the script is asked. `now` is Unix time.
using responder = std::function<std::optional<reply>(const std::string& origin, const request_facts& asked, nanoseconds now)>;

enum class client_state : std::uint8_t { running, answered, closed_without_answer, refused, gave_up };

class engine {
public:
    struct impl;  ///< sockets and coroutines, out of sight

    explicit engine(engine_settings settings, socket_watch watch = {});
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Listens on 127.0.0.1:port (0: any); returns the port. Throws set_up_error when it cannot ("port 9001 is taken…").
    std::uint16_t add_origin(const origin_script& script, std::uint16_t port = 0);
    /// Changes how an origin listens from now on (connections that exist stay).
    void set_listening(const std::string& origin, listening how);
    /// Closes (or resets) all connections of the origin that are idle between exchanges; returns how many.
    std::size_t close_idle(const std::string& origin, bool reset = false);
    /// Replaces the routes' replies from now on.
    void set_script(const origin_script& script);
    /// The same script with more behind it (routes, replies of a route): what is used up stays so.
    void extend_script(const origin_script& script);
    /// Requests that match go to `take` instead of the script: before its routes. `take` is called in the loop's thread.
    void hand_over(const std::string& origin, const route& where, handover_taker take);
    /// Requests handed over whose answering thread is at work: the run cannot be at rest meanwhile. May be called from any thread.
    int thinking() const;

    /// For all origins, from now on.
    void set_responder(responder answers);

    /// Starts a client. Connects (or takes the kept connection of that name) and sends when `release()` is called or at once.
    /// Its token ends in its number; 0: clients are numbered as they are started.
    using client_id = std::size_t;
    client_id start(const request& what, const std::string& proxy_host, std::uint16_t proxy_port, bool hold_until_release = false,
                    std::size_t number = 0);
    /// Lets all held clients send in the same turn of the loop, once each is connected.
    void release();
    bool all_connected() const;  ///< held clients are connected
    client_state state(client_id id) const;
    const std::string& token(client_id id) const;    ///< empty for raw requests
    std::string local(client_id id) const;           ///< "127.0.0.1:40000" once connected, else empty
    const std::string& heard(client_id id) const;    ///< what it received, from the first byte behind its request's begin (keep_received)
    void close_connection(const std::string& name);  ///< a kept one

    nanoseconds now() const;
    nanoseconds unix_now() const;  ///< what Date fields are made from
    /// Real time: the run's clock is zero now. Before anything is scripted against it.
    void start_clock();
    /// Runs what is ready, after waiting at most so long (real time) for anything to be; returns whether anything was.
    bool poll(std::chrono::milliseconds wait = {});
    /// Real time: runs until `done` holds or the time of the run's clock is reached; virtual time must not use it.
    bool run_until(const std::function<bool()>& done, nanoseconds deadline);
    /// Virtual time: expiry of the earliest timer, and moving the clock (fires due timers in order; call poll afterwards).
    std::optional<nanoseconds> next_timer() const;
    void advance_to(nanoseconds to);
    /// Counts everything that moved; equal values mean that nothing happened.
    std::uint64_t activity() const;
    /// Bytes written but not acknowledged by the peer's kernel, over all open sockets.
    std::uint64_t unacknowledged() const;

    /// Sentences such as "origin app was asked GET /x, which its script does not answer (500 sent)".
    const std::vector<std::string>& unexpected_requests() const;
    /// Exchanges that origins are in the middle of.
    std::size_t busy() const;
    /// Closes everything in good order (origins last) and returns what each socket received.
    std::vector<socket_record> shut_down();

private:
    std::unique_ptr<impl> impl_;
};

}  // namespace badorigin::peers
