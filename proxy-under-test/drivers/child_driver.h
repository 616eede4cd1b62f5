// What all drivers that run a program have in common.
#pragma once

#include <memory>
#include <string>

#include "proxy-under-test/drivers/process.h"

namespace badorigin::drivers {

class child_driver : public driver {
public:
    std::string address() const override { return settings_.listen; }
    rest sync() override;
    rest advance(nanoseconds to) override;
    void set_clock(nanoseconds to) override;
    void ban(const std::string& expression) override;
    void reload(const std::string& policy_directory) override;
    vitals measure() override;
    std::string crashed() override;
    std::string stop() override;
    std::string last_words() const override;
    void require_startable() const override;
    /// Starts it by `launch` and stops it again if that throws.
    void start(const proxy_settings& settings) final;

protected:
    /// Starts the program and waits until it serves; throws set_up_error.
    virtual void launch() = 0;
    /// Before the program is told to end / after it ended. Must not throw.
    virtual bool ask_to_end(deadline) { return false; }
    virtual void after_end() {}

    const proxy_settings& settings() const { return settings_; }
    /// The program in words ("varnishd"), for messages.
    virtual std::string program() const = 0;
    /// As find_program takes it.
    virtual std::string executable() const = 0;
    void spawn(process_settings what);
    process& child() { return *process_; }
    bool has_child() const { return process_ != nullptr; }
    /// Waits for `first` or `second` to be readable (the second may be -1). False at the start deadline; throws when the run is
    /// interrupted.
    bool await_start(int first, int second) const;
    /// Returns when somebody listens at address(). Throws when it ends before, or at the start deadline.
    void wait_until_listening();
    /// Throws with the ending and the last words.
    [[noreturn]] void fail(const std::string& what) const;
    /// "varnishd ended while starting (exit 2)"
    [[noreturn]] void fail_ended(const std::string& when);
    deadline start_deadline() const { return start_deadline_; }
    /// The policy's file, filled; throws when there is none.
    std::string filled_policy(const std::string& directory, const std::string& file) const;
    /// What the policy's folder wants of the program's command line (NAME.args: one argument a line, filled like the policy); none without
    /// such a file.
    std::vector<std::string> policy_arguments() const;
    /// Throws when the policy that is to be loaded into the running program has such a file: it would have no effect.
    void refuse_arguments(const std::string& directory) const;
    std::string in_working_directory(const std::string& name) const { return settings_.working_directory + "/" + name; }
    /// First line that matches `containing` of what `arguments` prints, within two seconds; empty if that fails.
    static std::string first_line_of(std::vector<std::string> arguments, const std::string& containing);

private:
    [[noreturn]] void unsupported(const std::string& what) const;
    void check_interrupt() const;

    proxy_settings settings_;
    deadline start_deadline_;
    std::unique_ptr<process> process_;
    vitals last_;
    std::string last_words_, crash_;
    bool stopping_ = false;
};

}  // namespace badorigin::drivers
