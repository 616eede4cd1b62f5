// Varnish Cache as a proxy under test, in real time.
//
// varnishd runs with -d: it stays in the foreground, compiles the VCL, and takes its orders on standard input (varnish_cli.h). The worker,
// its child, is started by such an order; when the worker dies, the manager starts the next one by itself, so a crash shows only in what
// the manager says. What would make runs differ from the scenario's promises is pinned, and the pins are written beside the log.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "proxy-under-test/drivers/child_driver.h"
#include "proxy-under-test/drivers/kinds.h"
#include "proxy-under-test/drivers/varnish_cli.h"
#include "proxy-under-test/drivers/vitals.h"
#include "proxy-under-test/drivers/words.h"

namespace badorigin::drivers {
namespace {

using std::chrono::steady_clock;

struct pin {
    const char *parameter, *value, *why;
};

constexpr std::array pins{
    pin{"default_ttl", "120", "Varnish's default, said aloud"},
    pin{"default_grace", "10", "Varnish's default, said aloud"},
    pin{"default_keep", "0", "Varnish's default, said aloud"},
    pin{"shortlived", "0", "short TTLs in the same storage as long ones"},
    pin{"timeout_idle", "600", "steps are seconds apart; a client's connection must outlive them"},
    pin{"backend_idle_timeout", "600", "the same towards origins"},
    pin{"backend_local_error_holddown", "0", "a failed connection must not keep the next fetch from trying"},
    pin{"backend_remote_error_holddown", "0", "the same, after a refused one"},
    pin{"vcc_allow_inline_c", "off", "policies are VCL"},
    pin{"cc_command", "exec nice cc -O0 -fpic -shared -pthread -w -o %o %s", "a fifth of the start-up time, and none of another run's"},
    pin{"thread_pools", "1", "start-up time"},
    pin{"thread_pool_min", "20", "start-up time"},
    pin{"thread_pool_max", "200", "start-up time"},
};

/// Longer ones go to a short private folder.
constexpr std::size_t longest_instance_name = 90;

class varnish final : public child_driver {
public:
    explicit varnish(std::string varnishd) : varnishd_(std::move(varnishd)) {}
    ~varnish() override { stop(); }

    std::string name() const override { return "varnish"; }
    std::string program() const override { return "varnishd"; }
    std::string executable() const override { return varnishd_; }
    std::string policy_file() const override { return "varnish.vcl"; }

    bool can(capability what) const override {
        return what == capability::ban || what == capability::reload || what == capability::vitals || what == capability::log ||
               what == capability::proxy_protocol;
    }

    std::string version() const override {
        if (!version_) {
            const auto line = first_line_of({varnishd_, "-V"}, "varnish-");
            const auto from = line.find("varnish-"), to = line.rfind(')');
            version_ = from == std::string::npos ? "" : line.substr(from, to == std::string::npos ? to : to - from);
        }
        return *version_;
    }

    void ban(const std::string& expression) override { order(cli_ban(expression)); }

    void reload(const std::string& directory) override {
        refuse_arguments(directory);
        const auto name = fmt::format("policy_{}", ++configurations_);
        const auto path = in_working_directory(name + ".vcl");
        write_file(path, filled_policy(directory, policy_file()));
        order(fmt::format("vcl.load {} {}", name, cli_quote(path)));
        order("vcl.use " + name);
        order("vcl.discard " + std::exchange(configuration_, name));  // else its probes go on
    }

    std::string crashed() override {
        if (worker_death_.empty() && has_child()) {
            auto said = child().output_since(read_);
            const auto whole = said.rfind('\n') + 1;  // none: 0
            read_ -= said.size() - whole;             // a line that is still being written is read again
            said.resize(whole);
            for (std::size_t from = 0; from < said.size();) {
                const auto to = std::min(said.find('\n', from), said.size());
                const auto line = said.substr(from, to - from);
                if (line.find("Child (") != std::string::npos &&
                    (line.find(") died ") != std::string::npos || line.find(") Panic") != std::string::npos)) {
                    worker_death_ = "varnishd's worker ended by itself: " + line;
                    break;
                }
                from = to + 1;
            }
        }
        return worker_death_.empty() ? child_driver::crashed() : worker_death_;
    }

protected:
    void launch() override {
        if (settings().policy_directory.empty()) throw set_up_error("varnishd needs a policy with a varnish.vcl");
        const auto policy = in_working_directory("policy.vcl");
        write_file(policy, filled_policy(settings().policy_directory, policy_file()));
        instance_ = in_working_directory("varnish");
        if (instance_.size() > longest_instance_name) instance_ = folder_.emplace().path() + "/varnish";
        configuration_ = "boot";
        configurations_ = 1;
        read_ = 0;
        worker_death_.clear();

        process_settings what;
        what.channel = true;
        const auto listen = settings().listen + (settings().proxy_protocol ? ",PROXY" : "");
        what.arguments = {varnishd_, "-d", "-T", "none", "-j", "none", "-a", listen, "-f", policy, "-n", instance_};
        std::string parameters;
        for (const auto& [parameter, value, why] : pins) {
            what.arguments.insert(what.arguments.end(), {"-p", fmt::format("{}={}", parameter, value)});
            parameters += fmt::format("{:<30} {:<8} # {}\n", parameter, value, why);
        }
        const auto asked = policy_arguments();  // behind the pins: they win
        what.arguments.insert(what.arguments.end(), asked.begin(), asked.end());
        if (std::ranges::find(asked, "-s") == asked.end()) {  // else these are all: objects without a place go to each in turn
            what.arguments.insert(what.arguments.end(), {"-s", "malloc,64m"});
            parameters += "storage                        malloc,64m\n";
        }
        write_file(in_working_directory("parameters.txt"), parameters);
        std::error_code none;
        std::filesystem::remove(in_working_directory("output.txt"), none);
        spawn(what);
        cli_.emplace(child());
        greet();
        start_log();
        order("start", start_deadline());
        wait_until_listening();
        wait_for_log();
    }

    bool ask_to_end(deadline when) override {
        if (!cli_ || !child().running()) return false;
        try {
            if (!worker_death_.empty()) write_file(in_working_directory("panic.txt"), cli_->ask("panic.show", when).text + "\n");
            cli_->ask("stop", when);  // the worker first: then the log is complete
            if (log_) log_->stop(std::min(when, steady_clock::now() + milliseconds(2'000)));
            child().close_channel();
        } catch (const set_up_error&) {}  // it hangs, or has gone: SIGTERM, then force
        return false;
    }

    void after_end() override {
        log_.reset();
        cli_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(instance_, ignored);
        folder_.reset();
    }

private:
    /// varnishd greets when the VCL is compiled and the sockets are bound; or ends with a message.
    void greet() {
        await_start(child().channel(), -1);
        try {
            cli_->receive(start_deadline());
        } catch (const set_up_error&) {
            if (child().wait_until(steady_clock::now() + milliseconds(500)) &&
                last_words().find("VCL compilation failed") != std::string::npos) {
                const auto message = child().last_words(40);
                const auto hint = message.find("VMOD") == std::string::npos ? std::string{} : " (VMODs: " + where_to_get("vmod") + ")";
                throw set_up_error(
                    fmt::format("varnishd refuses the policy {}/{}{}:\n{}", settings().policy_directory, policy_file(), hint, message));
            }
            fail_ended("while starting");
        }
    }

    void order(const std::string& command) { order(command, steady_clock::now() + milliseconds(30'000)); }

    void order(const std::string& command, deadline when) {
        if (!cli_ || !has_child()) throw set_up_error("varnishd is not running");
        cli_answer answer;
        try {
            answer = cli_->ask(command, when);
        } catch (const set_up_error& lost) {
            const auto crash = crashed();
            fail(crash.empty() ? lost.what() : crash);
        }
        if (answer.status != 200) throw set_up_error(fmt::format("varnishd refused \"{}\": {}", command, answer.text));
    }

    /// In the same PID namespace: varnishlog looks for varnishd's process. It is shown, never judged, so its absence is no error.
    void start_log() {
        process_settings what;
        const auto slash = varnishd_.rfind('/');
        what.arguments = {"varnishlog", "-n", instance_, "-w", in_working_directory("varnish.vsl")};
        if (slash != std::string::npos) {
            const auto sibling = varnishd_.substr(0, slash + 1) + "varnishlog";
            if (!find_program(sibling).empty()) what.arguments.front() = sibling;
        }
        what.beside = &child();
        what.output_file = in_working_directory("varnishlog.txt");
        try {
            log_ = std::make_unique<process>(what);
        } catch (const set_up_error& error) { write_file(in_working_directory("varnishlog.txt"), std::string(error.what()) + "\n"); }
    }

    static bool sleeps(pid_t pid) {
        std::ifstream stat(fmt::format("/proc/{}/stat", pid));
        std::string line;
        std::getline(stat, line);
        return line.find(") S ") != std::string::npos;
    }

    /// varnishlog begins at the end of the log as it finds it: it must have found it before the first request. It maps the log segment
    /// then, goes to its end, and sleeps.
    void wait_for_log() {
        const auto when = std::min(start_deadline(), steady_clock::now() + milliseconds(2'000));
        while (log_ && steady_clock::now() < when) {
            for (const pid_t pid : descendants(log_->supervisor())) {
                std::ifstream maps(fmt::format("/proc/{}/maps", pid));
                for (std::string line; std::getline(maps, line);)
                    if (line.find("/_.Log.") != std::string::npos && sleeps(pid)) return;
            }
            if (log_->wait_until(steady_clock::now() + milliseconds(5))) return;
        }
    }

    std::string varnishd_, instance_, configuration_, worker_death_;
    mutable std::optional<std::string> version_;
    std::optional<private_folder> folder_;
    std::optional<varnish_cli> cli_;
    std::unique_ptr<process> log_;
    std::size_t read_ = 0;
    int configurations_ = 1;
};

}  // namespace

std::unique_ptr<driver> make_varnish(const std::string& varnishd) {
    return std::make_unique<varnish>(varnishd);
}

}  // namespace badorigin::drivers
