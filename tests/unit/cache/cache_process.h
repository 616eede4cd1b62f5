// The cache as a process of its own, between a client and an origin that the test plays step by step, on a clock that it holds.
//
// Nothing runs by itself here: the test's one thread sends, reads and moves the time, so each test says exactly what happens in which
// order. What does not come within a few seconds throws.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace badorigin::cache::testing {

/// A message as read off the wire.
struct message {
    std::string start_line, body, trailers;  ///< trailers: their lines as they came
    std::vector<std::pair<std::string, std::string>> fields;

    std::string field(std::string_view name) const;  ///< the first, or empty
    std::size_t count(std::string_view name) const;
    int status() const;
};

/// One end of a connection.
class wire {
public:
    explicit wire(int descriptor);
    wire(wire&& other) noexcept;
    wire& operator=(wire&& other) noexcept;
    ~wire();

    void send(std::string_view bytes);
    /// The next message with its content. `bodiless`: a response to HEAD, or a head whose body does not come.
    message read(bool bodiless = false);
    std::string read_exactly(std::size_t size);
    /// The peer has closed and sent nothing more.
    bool at_end();
    /// Nothing is there to be read, not even an end.
    bool silent() const;
    void half_close();
    void close();
    void reset();

private:
    bool fill();
    std::string read_line();
    int descriptor_;
    std::string input_;
};

class origin {
public:
    origin();
    ~origin();
    wire accept();
    bool unasked() const;  ///< nobody connected since the last accept
    int port() const { return port_; }

private:
    int listener_, port_ = 0;
};

class cache_process {
public:
    /// `options`: of the command line; "--proxied": its listener wants PROXY headers. `policy` follows the version line and a backend `app`
    /// at the origin.
    cache_process(const origin& of, std::string_view policy = {}, const std::vector<std::string>& planted = {},
                  const std::vector<std::string>& options = {});
    ~cache_process();

    wire connect();
    nlohmann::json ask(const nlohmann::json& what);
    /// At rest, with all that the test has sent.
    nlohmann::json sync();
    void advance(std::chrono::nanoseconds by);
    bool alive() const;
    int exit_code();  ///< waits for the end
    void hang_up();   ///< closes the control connection
    std::string log_path() const { return directory_ + "/log"; }
    int pid() const { return pid_; }

    /// Another connection to the control socket.
    class steering {
    public:
        explicit steering(int descriptor) : descriptor_(descriptor) {}
        steering(steering&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
        ~steering();
        /// A line, and the one that answers it.
        std::string say(const std::string& line);
        /// What has come, without waiting.
        std::string so_far();

    private:
        int descriptor_;
    };
    steering steer() const;
    /// One that reads the log from now on.
    steering read_log() const;

private:
    int connect_to_control() const;

    std::string directory_;
    int pid_ = -1, control_ = -1, port_ = 0;
    std::int64_t now_;
    std::string answers_;
};

std::string get(std::string_view target, std::string_view more_fields = {});
std::string post(std::string_view target, std::string_view body);
std::string ok(std::string_view body, std::string_view more_fields = "Cache-Control: max-age=30\r\n");

/// One request on a connection of its own.
message ask(cache_process& cache, const std::string& request);
/// The same, answered by the origin's next connection (`fetch` then holds it).
message ask(cache_process& cache, origin& app, const std::string& request, std::string_view answer, wire* fetch = nullptr);

/// A client's request on a connection of its own, and the fetch that it causes.
struct begun {
    wire client, fetch;
    message asked;
};
/// `bodiless`: the fetch's body is not read, or does not come.
begun begin(cache_process& cache, origin& app, std::string_view request, bool bodiless = false);

// Policies, or parts of them.
inline constexpr auto keeps = "import std; sub vcl_recv { if (!std.cache_req_body(10KB)) { return (synth(413)); } } ";
inline constexpr auto retries = "sub vcl_backend_error { if (bereq.retries < 2) { return (retry); } } ";

}  // namespace badorigin::cache::testing
