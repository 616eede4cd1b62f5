// Any proxy: one started by a command line of the user's, and one that already runs somewhere.
#include <map>
#include <optional>

#include <fmt/format.h>

#include "proxy-under-test/drivers/child_driver.h"
#include "proxy-under-test/drivers/kinds.h"
#include "proxy-under-test/drivers/listening.h"
#include "proxy-under-test/drivers/words.h"

namespace badorigin::drivers {
namespace {

class command final : public child_driver {
public:
    explicit command(const std::string& line) : words_(split_command_line(line)) {
        if (words_.empty()) throw set_up_error("\"cmd:\" needs a command line, such as cmd:nginx -c {config} -g 'daemon off;'");
        for (const auto& word : words_) has_configuration_ = has_configuration_ || word.find("{config}") != std::string::npos;
    }
    ~command() override { stop(); }

    std::string name() const override { return "cmd"; }
    std::string program() const override { return base_name(words_.front()); }
    std::string executable() const override { return words_.front(); }
    bool can(capability what) const override { return what == capability::vitals; }

    std::string policy_file() const override {
        static const std::map<std::string, std::string> files{
            {"varnishd", "varnish.vcl"}, {"nginx", "nginx.conf"}, {"haproxy", "haproxy.cfg"}, {"squid", "squid.conf"}};
        const auto found = files.find(program());
        return found == files.end() ? "proxy.conf" : found->second;
    }

    std::string version() const override {
        static const std::map<std::string, std::string> options{{"varnishd", "-V"}, {"nginx", "-v"}, {"haproxy", "-v"}, {"squid", "-v"}};
        if (!version_) {
            const auto option = options.find(program());
            version_ = option == options.end() ? "" : first_line_of({words_.front(), option->second}, "");
        }
        return *version_;
    }

protected:
    void launch() override {
        auto filling = settings();
        if (has_configuration_) {
            if (settings().policy_directory.empty())
                throw set_up_error(fmt::format("the command line of {} names {{config}}, but the scenario has no policy", program()));
            const auto file = in_working_directory(policy_file());
            write_file(file, filled_policy(settings().policy_directory, policy_file()));
            filling.placeholders["config"] = file;
        }
        process_settings what;
        for (const auto& word : words_) what.arguments.push_back(fill_template(word, filling, "the command line"));
        spawn(what);
        wait_until_listening();
    }

private:
    std::vector<std::string> words_;
    bool has_configuration_ = false;
    mutable std::optional<std::string> version_;
};

/// A proxy that somebody else runs: nothing is started, watched or stopped.
class address_only final : public driver {
public:
    explicit address_only(std::string address) : address_(std::move(address)) {
        const auto colon = address_.rfind(':');
        if (colon == std::string::npos || colon == 0 || colon + 1 == address_.size() ||
            address_.find_first_not_of("0123456789", colon + 1) != std::string::npos)
            throw set_up_error(fmt::format("\"at:{}\" names no address: at:HOST:PORT is expected, such as at:127.0.0.1:8080", address_));
    }

    std::string name() const override { return "at"; }
    std::string version() const override { return {}; }
    bool can(capability) const override { return false; }
    std::string policy_file() const override { return {}; }
    void require_startable() const override {
        require_ours(address_);
        if (!is_listening(address_))
            throw set_up_error(
                fmt::format("nobody listens at {}: start the proxy first, with its origins at 127.0.0.1:9001, 9002, …", address_));
    }
    void start(const proxy_settings& settings) override {
        if (settings.virtual_time) unsupported("run in virtual time");
        if (!settings.planted_bugs.empty()) unsupported("plant bugs");
    }
    std::string address() const override { return address_; }
    rest sync() override { unsupported("tell when the proxy is at rest"); }
    rest advance(nanoseconds) override { unsupported("set the proxy's clock"); }
    void set_clock(nanoseconds) override { unsupported("set the proxy's clock"); }
    void ban(const std::string&) override { unsupported("ban"); }
    void reload(const std::string&) override { unsupported("reload the proxy's policy"); }
    vitals measure() override { return {}; }
    std::string crashed() override { return {}; }
    std::string stop() override { return {}; }
    std::string last_words() const override { return {}; }

private:
    [[noreturn]] static void unsupported(const char* what) {
        throw set_up_error(fmt::format("the driver \"at\" cannot {}: it only knows the proxy's address", what));
    }

    std::string address_;
};

}  // namespace

std::unique_ptr<driver> make_command(const std::string& command_line) {
    return std::make_unique<command>(command_line);
}
std::unique_ptr<driver> make_address(const std::string& address) {
    return std::make_unique<address_only>(address);
}

}  // namespace badorigin::drivers
