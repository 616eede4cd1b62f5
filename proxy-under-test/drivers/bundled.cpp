// The bundled cache as a proxy under test: the only one with virtual time and planted bugs.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "proxy-under-test/drivers/child_driver.h"
#include "proxy-under-test/drivers/control_socket.h"
#include "proxy-under-test/drivers/kinds.h"
#include "proxy-under-test/drivers/words.h"

namespace badorigin::drivers {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr const char* control_name = "control.sock";  ///< in the working directory, which the cache runs in: no path is too long for it

class bundled final : public child_driver {
public:
    explicit bundled(std::string program) : path_(std::move(program)) {}
    ~bundled() override { stop(); }

    std::string name() const override { return "bundled"; }
    std::string program() const override { return "badorigin-cache"; }
    std::string executable() const override { return path_; }
    std::string policy_file() const override { return "varnish.vcl"; }
    /// Who has only VCL 3 to offer means this cache: Varnish itself has not read it since 4.0.
    std::string policy_file_in(const std::string& folder) const override {
        const bool three = !std::filesystem::exists(folder + "/varnish.vcl") && std::filesystem::exists(folder + "/vcl3.vcl");
        return three ? "vcl3.vcl" : policy_file();
    }
    bool can(capability) const override { return true; }

    std::string version() const override {
        if (!version_) {
            const auto line = first_line_of({path_, "--version"}, "");
            version_ = line.find("badorigin-cache") != std::string::npos || line.empty() ? line : "badorigin-cache " + line;
            if (version_->empty()) version_ = "badorigin-cache";
        }
        return *version_;
    }

    rest sync() override {
        require_virtual();
        return state({{"do", "sync"}});
    }

    rest advance(nanoseconds to) override {
        require_virtual();
        return state({{"do", "advance"}, {"to_ns", (to + settings().wall_start).count()}});
    }

    void set_clock(nanoseconds to) override {
        require_virtual();
        ask({{"do", "set_clock"}, {"to_ns", (to + settings().wall_start).count()}});
    }

    void ban(const std::string& expression) override { ask({{"do", "ban"}, {"expression", expression}}); }

    void reload(const std::string& directory) override {
        refuse_arguments(directory);
        const auto name = fmt::format("v{}", ++configurations_);
        const auto path = in_working_directory(fmt::format("policy-{}.vcl", name));
        write_file(path, filled_policy(directory, policy_file_in(directory)));
        ask({{"do", "load"}, {"name", name}, {"file", path}});
        ask({{"do", "use"}, {"name", name}});
        ask({{"do", "discard"}, {"name", std::exchange(configuration_, name)}});  // else its probes go on
    }

protected:
    void launch() override {
        const auto policy = in_working_directory("policy.vcl");
        write_file(policy, settings().policy_directory.empty()
                               ? default_policy()
                               : filled_policy(settings().policy_directory, policy_file_in(settings().policy_directory)));
        socket_path_ = in_working_directory(control_name);
        ::unlink(socket_path_.c_str());

        process_settings what;
        what.channel = true;
        what.arguments = {path_,        "--listen", settings().listen + (settings().proxy_protocol ? ",PROXY" : ""),
                          "--vcl",      policy,     "--control",
                          control_name, "--log",    in_working_directory("cache.log")};
        what.arguments.insert(what.arguments.end(), {"--clock", settings().virtual_time ? "virtual" : "real"});
        if (settings().virtual_time)
            what.arguments.insert(what.arguments.end(), {"--now-ns", std::to_string(settings().wall_start.count())});
        if (::geteuid() == 0) what.arguments.insert(what.arguments.end(), {"--user", "root"});  // its folder is root's alone
        for (const auto& bug : settings().planted_bugs) what.arguments.insert(what.arguments.end(), {"--plant", bug});
        std::ranges::copy(policy_arguments(), std::back_inserter(what.arguments));
        configurations_ = 1;
        configuration_ = "boot";
        spawn(what);
        wait_until_ready();
        control_.emplace(settings().working_directory, control_name);
    }

    void after_end() override {
        control_.reset();
        ::unlink(socket_path_.c_str());
    }

private:
    std::string default_policy() const {
        if (settings().origins.size() != 1)
            throw set_up_error(fmt::format("a policy is needed to tell what the cache does with {} origins", settings().origins.size()));
        const auto text = "vcl 4.1;\n\nbackend default { .host = \"{origin:NAME.host}\"; .port = \"{origin:NAME.port}\"; }\n";
        std::string named = text;
        for (std::size_t at; (at = named.find("NAME")) != std::string::npos;) named.replace(at, 4, settings().origins.begin()->first);
        return fill_template(named, settings(), "the default policy");
    }

    /// The cache prints "ready HOST:PORT" when it listens.
    void wait_until_ready() {
        std::string said;
        while (!said.starts_with("ready ") && said.find("\nready ") == std::string::npos) {
            if (!await_start(child().channel(), child().end_descriptor()))
                fail(fmt::format("badorigin-cache was not ready within {} s",
                                 std::chrono::duration<double>(settings().start_deadline).count()));
            char piece[512];
            const auto size = ::read(child().channel(), piece, sizeof piece);
            if (size > 0) said.append(piece, static_cast<std::size_t>(size));
            if (size == 0 || !child().running()) {
                refuse_policy();
                fail_ended("while starting");
            }
        }
    }

    /// Exit 2 is the cache's word for a wrong command line or policy; the command line is ours.
    void refuse_policy() {
        child().wait_until(steady_clock::now() + milliseconds(200));
        if (child().ending() != "exit 2" || settings().policy_directory.empty()) return;
        throw set_up_error(fmt::format("badorigin-cache refuses the policy {}/{}:\n{}", settings().policy_directory,
                                       policy_file_in(settings().policy_directory), last_words()));
    }

    void require_virtual() const {
        if (!settings().virtual_time) throw set_up_error("the bundled cache's clock can be asked and set in virtual time only");
    }

    json ask(const json& request) {
        if (!control_ || !has_child()) throw set_up_error("the bundled cache is not running");
        try {
            return control_->ask(request, steady_clock::now() + milliseconds(10'000));
        } catch (const control_lost& lost) {
            child().wait_until(steady_clock::now() + milliseconds(500));  // its end, if that is the cause, is told a moment later
            const auto crash = crashed();
            fail(crash.empty() ? lost.what() : crash);
        }
    }

    rest state(const json& request) {
        const auto answer = ask(request);
        rest now;
        now.activity = answer.value("activity", std::uint64_t{0});
        now.unacknowledged = answer.value("unacked", std::uint64_t{0});
        if (const auto next = answer.find("next_timer_ns"); next != answer.end() && next->is_number())
            now.next_timer = nanoseconds(next->get<std::int64_t>()) - settings().wall_start;
        return now;
    }

    std::string path_, socket_path_;
    mutable std::optional<std::string> version_;
    std::optional<control_socket> control_;
    std::string configuration_;
    int configurations_ = 1;
};

}  // namespace

std::unique_ptr<driver> make_bundled(const std::string& program) {
    return std::make_unique<bundled>(program);
}

}  // namespace badorigin::drivers
