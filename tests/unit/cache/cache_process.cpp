#include "tests/unit/cache/cache_process.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace badorigin::cache::testing {

namespace {
constexpr int patience_ms = 5000;

bool readable(int descriptor, int timeout_ms) {
    pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, timeout_ms) > 0;
}

/// Of the test's side, so that it can be told when all that was sent has been delivered.
std::set<int>& open_wires() {
    static std::set<int> all;
    return all;
}

/// The kernel of the peer has it, so the cache's event loop finds it.
bool all_delivered() {
    return std::ranges::all_of(open_wires(), [](int descriptor) {
        int queued = 0;
        return ::ioctl(descriptor, SIOCOUTQ, &queued) != 0 || queued == 0;
    });
}

sockaddr_in loopback(int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}
}  // namespace

std::string message::field(std::string_view name) const {
    for (const auto& [n, v] : fields) {
        if (n.size() == name.size() && strncasecmp(n.data(), name.data(), n.size()) == 0) return v;
    }
    return {};
}

std::size_t message::count(std::string_view name) const {
    std::size_t out = 0;
    for (const auto& [n, v] : fields) out += n.size() == name.size() && strncasecmp(n.data(), name.data(), n.size()) == 0;
    return out;
}

int message::status() const {
    return start_line.size() < 12 ? 0 : std::stoi(start_line.substr(9, 3));
}

wire::wire(int descriptor) : descriptor_(descriptor) {
    if (descriptor >= 0) open_wires().insert(descriptor);
}
wire::wire(wire&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), input_(std::move(other.input_)) {}
wire& wire::operator=(wire&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(input_, other.input_);
    return *this;
}
wire::~wire() {
    close();
}

void wire::send(std::string_view bytes) {
    if (::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("cannot send");
}

bool wire::fill() {
    if (!readable(descriptor_, patience_ms)) throw std::runtime_error("nothing came; so far: " + input_);
    char more[65536];
    const auto got = ::recv(descriptor_, more, sizeof more, 0);
    if (got <= 0) return false;
    input_.append(more, static_cast<std::size_t>(got));
    return true;
}

std::string wire::read_exactly(std::size_t size) {
    while (input_.size() < size) {
        if (!fill()) throw std::runtime_error("the connection ended after: " + input_);
    }
    auto out = input_.substr(0, size);
    input_.erase(0, size);
    return out;
}

std::string wire::read_line() {
    std::string out;
    while (!out.ends_with("\r\n")) out += read_exactly(1);
    return out;
}

message wire::read(bool bodiless) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
        if (!fill()) throw std::runtime_error("the connection ended after: " + input_);
    }
    message out;
    const auto head = read_exactly(end + 4);
    for (std::size_t at = 0; at + 2 < head.size();) {
        const auto line_end = head.find("\r\n", at);
        const auto line = head.substr(at, line_end - at);
        at = line_end + 2;
        if (out.start_line.empty()) {
            out.start_line = line;
            continue;
        }
        const auto colon = line.find(": ");
        out.fields.emplace_back(line.substr(0, colon), colon == std::string::npos ? "" : line.substr(colon + 2));
    }
    if (bodiless || (out.start_line.starts_with("HTTP/") && (out.status() == 304 || out.status() == 204 || out.status() < 200))) return out;
    if (out.field("Transfer-Encoding") == "chunked") {
        for (;;) {
            const auto length = std::stoul(read_line(), nullptr, 16);
            if (length == 0) break;
            out.body += read_exactly(length);
            read_exactly(2);
        }
        for (auto line = read_line(); line != "\r\n"; line = read_line()) out.trailers += line;
    } else if (const auto length = out.field("Content-Length"); !length.empty()) {
        out.body = read_exactly(std::stoul(length));
    }
    return out;
}

bool wire::at_end() {
    return input_.empty() && !fill() && input_.empty();
}
bool wire::silent() const {
    return input_.empty() && !readable(descriptor_, 0);
}
void wire::half_close() {
    ::shutdown(descriptor_, SHUT_WR);
}
void wire::close() {
    if (descriptor_ < 0) return;
    open_wires().erase(descriptor_);
    ::close(std::exchange(descriptor_, -1));
}
void wire::reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

origin::origin() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto at = loopback(0);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 64) != 0)
        throw std::runtime_error("no origin");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
}
origin::~origin() {
    ::close(listener_);
}

wire origin::accept() {
    if (!readable(listener_, patience_ms)) throw std::runtime_error("the origin is not asked");
    return wire(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
}
bool origin::unasked() const {
    return !readable(listener_, 0);
}

cache_process::cache_process(const origin& of, std::string_view policy, const std::vector<std::string>& planted,
                             const std::vector<std::string>& options)
    : now_(1'700'000'000'000'000'000) {
    auto pattern = (std::filesystem::temp_directory_path() / "badorigin-cache-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    const auto vcl = directory_ + "/policy.vcl", socket_path = directory_ + "/control";
    std::ofstream(vcl) << fmt::format("vcl 4.1;\nbackend app {{ .host = \"127.0.0.1\"; .port = \"{}\"; }}\n{}", of.port(), policy);

    std::vector<std::string> words{BADORIGIN_BUILD_DIR "/badorigin-cache",
                                   "--listen",
                                   std::ranges::find(options, "--proxied") == options.end() ? "127.0.0.1:0" : "127.0.0.1:0,PROXY",
                                   "--vcl",
                                   vcl,
                                   "--control",
                                   socket_path,
                                   "--clock",
                                   "virtual",
                                   "--now-ns",
                                   std::to_string(now_),
                                   "--log",
                                   directory_ + "/log"};
    const bool says_user = std::ranges::find(options, "--user") != options.end();
    if (::geteuid() == 0 && !says_user) words.insert(words.end(), {"--user", "root"});  // the test's folder is its own
    for (const auto& each : planted) words.insert(words.end(), {"--plant", each});
    std::ranges::copy_if(options, std::back_inserter(words), [](const std::string& word) { return word != "--proxied"; });
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(out[1]);
    std::string said;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) said += c;
    ::close(out[0]);
    if (!said.starts_with("ready ")) throw std::runtime_error("the cache did not start: " + said);
    port_ = std::stoi(said.substr(said.rfind(':') + 1));

    control_ = connect_to_control();
}

int cache_process::connect_to_control() const {
    const int out = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    (directory_ + "/control").copy(at.sun_path, sizeof at.sun_path - 1);
    if (::connect(out, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw std::runtime_error("no control socket");
    return out;
}

cache_process::steering::~steering() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::string cache_process::steering::say(const std::string& line) {
    if (::send(descriptor_, (line + "\n").data(), line.size() + 1, MSG_NOSIGNAL) < 0)
        throw std::runtime_error("the control socket is gone");
    std::string out;
    for (char c = 0; !out.ends_with('\n'); out += c) {
        if (!readable(descriptor_, patience_ms) || ::recv(descriptor_, &c, 1, 0) <= 0) throw std::runtime_error("no answer to " + line);
    }
    return out;
}

std::string cache_process::steering::so_far() {
    std::string out;
    char more[65536];
    for (ssize_t got = 0; readable(descriptor_, 0) && (got = ::recv(descriptor_, more, sizeof more, 0)) > 0;)
        out.append(more, static_cast<std::size_t>(got));
    return out;
}

cache_process::steering cache_process::steer() const {
    return steering(connect_to_control());
}

cache_process::steering cache_process::read_log() const {
    auto out = steer();
    out.say("{\"do\": \"log\"}");
    return out;
}

cache_process::~cache_process() {
    if (control_ >= 0) ::close(control_);
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

bool cache_process::alive() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

int cache_process::exit_code() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void cache_process::hang_up() {
    ::close(std::exchange(control_, -1));
}

wire cache_process::connect() {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto at = loopback(port_);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        throw std::runtime_error("the cache does not listen");
    return wire(descriptor);
}

nlohmann::json cache_process::ask(const nlohmann::json& what) {
    const auto line = what.dump() + "\n";
    if (::send(control_, line.data(), line.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("the control socket is gone");
    for (;;) {
        if (const auto end = answers_.find('\n'); end != std::string::npos) {
            auto out = nlohmann::json::parse(answers_.substr(0, end));
            answers_.erase(0, end + 1);
            return out;
        }
        char more[4096];
        if (!readable(control_, patience_ms)) throw std::runtime_error("no answer to " + line);
        const auto got = ::recv(control_, more, sizeof more, 0);
        if (got <= 0) throw std::runtime_error("the cache has ended");
        answers_.append(more, static_cast<std::size_t>(got));
    }
}

nlohmann::json cache_process::sync() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (!all_delivered() && std::chrono::steady_clock::now() < until) ::sched_yield();
    return ask({{"do", "sync"}});
}

void cache_process::advance(std::chrono::nanoseconds by) {
    sync();
    now_ += by.count();
    ask({{"do", "advance"}, {"to_ns", now_}});
}

std::string get(std::string_view target, std::string_view more_fields) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", target, more_fields);
}
std::string post(std::string_view target, std::string_view body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", target, body.size(), body);
}
std::string ok(std::string_view body, std::string_view more_fields) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), more_fields, body);
}

message ask(cache_process& cache, const std::string& request) {
    auto client = cache.connect();
    client.send(request);
    return client.read();
}

begun begin(cache_process& cache, origin& app, std::string_view request, bool bodiless) {
    auto client = cache.connect();
    client.send(request);
    auto fetch = app.accept();
    auto asked = fetch.read(bodiless);
    return {std::move(client), std::move(fetch), std::move(asked)};
}

message ask(cache_process& cache, origin& app, const std::string& request, std::string_view answer, wire* fetch) {
    auto all = begin(cache, app, request);
    all.fetch.send(answer);
    auto out = all.client.read();
    if (fetch) *fetch = std::move(all.fetch);
    return out;
}

}  // namespace badorigin::cache::testing
