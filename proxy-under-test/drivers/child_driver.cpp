#include "proxy-under-test/drivers/child_driver.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <poll.h>

#include "proxy-under-test/drivers/listening.h"
#include "proxy-under-test/drivers/words.h"

namespace badorigin::drivers {

using std::chrono::steady_clock;

void child_driver::unsupported(const std::string& what) const {
    throw set_up_error(fmt::format("the driver \"{}\" cannot {}", name(), what));
}
rest child_driver::sync() {
    unsupported("tell when the proxy is at rest: it runs in real time");
}
rest child_driver::advance(nanoseconds) {
    unsupported("set the proxy's clock");
}
void child_driver::set_clock(nanoseconds) {
    unsupported("set the proxy's clock");
}
void child_driver::ban(const std::string&) {
    unsupported("ban");
}
void child_driver::reload(const std::string&) {
    unsupported("reload the proxy's policy");
}

void child_driver::start(const proxy_settings& settings) {
    stop();
    settings_ = settings;
    start_deadline_ = steady_clock::now() + settings.start_deadline;
    stopping_ = false;
    crash_.clear();
    last_words_.clear();
    last_ = vitals{};
    if (settings_.virtual_time && !can(capability::virtual_time)) unsupported("run in virtual time");
    if (!settings_.planted_bugs.empty() && !can(capability::plant)) unsupported("plant bugs");
    std::error_code error;
    std::filesystem::create_directories(settings_.working_directory, error);
    if (error) throw set_up_error(fmt::format("the proxy's folder {} cannot be made: {}", settings_.working_directory, error.message()));
    settings_.working_directory = std::filesystem::absolute(settings_.working_directory).string();
    require_free(settings_.listen);
    try {
        launch();
        if (settings_.favoured) child().favour();
    } catch (...) {
        stopping_ = true;  // a start that failed is no crash
        stop();
        throw;
    }
}

void child_driver::require_startable() const {
    const auto name = executable();
    if (!find_program(name).empty()) return;
    const auto hint = where_to_get(name);
    throw set_up_error(fmt::format("{} is not installed here, or not executable{}{}", name, hint.empty() ? "" : ": ", hint));
}

void child_driver::spawn(process_settings what) {
    require_startable();
    what.directory = settings_.working_directory;
    what.output_file = in_working_directory("output.txt");
    process_ = std::make_unique<process>(what);
}

void child_driver::fail(const std::string& what) const {
    const auto words = last_words();
    throw set_up_error(words.empty() ? fmt::format("{} (it said nothing)", what) : fmt::format("{}; its last words:\n{}", what, words));
}

void child_driver::fail_ended(const std::string& when) {
    child().wait_until(steady_clock::now() + milliseconds(200));
    const auto ending = child().ending();
    fail(ending.empty() ? fmt::format("{} fell silent {}", program(), when) : fmt::format("{} ended {} ({})", program(), when, ending));
}

void child_driver::check_interrupt() const {
    if (settings_.interrupt != nullptr && settings_.interrupt->load()) throw set_up_error("interrupted");
}

bool child_driver::await_start(int first, int second) const {
    constexpr milliseconds look_up{50};  // a signal is handled in another thread: it ends no wait of ours
    for (;;) {
        check_interrupt();
        const auto now = steady_clock::now();
        if (poll_until(first, second, POLLIN, std::min(start_deadline_, now + look_up))) return true;
        if (now >= start_deadline_) return false;
    }
}

void child_driver::wait_until_listening() {
    for (milliseconds pause{1}; !is_listening(settings_.listen); pause = std::min(pause * 2, milliseconds(20))) {
        check_interrupt();
        if (steady_clock::now() >= start_deadline_)
            fail(fmt::format("{} did not listen at {} within {} s", program(), settings_.listen,
                             std::chrono::duration<double>(settings_.start_deadline).count()));
        // Nothing tells when a port is opened, so look again; but the program's end is told at once.
        if (child().wait_until(steady_clock::now() + pause))
            fail(fmt::format("{} ended ({}) before it listened at {}", program(), child().ending(), settings_.listen));
    }
}

vitals child_driver::measure() {
    if (process_) {
        process_->wait_if_ending();
        last_ = process_->measure();
    }
    return last_;
}

std::string child_driver::crashed() {
    if (crash_.empty() && process_ && !stopping_ && !process_->running())
        crash_ = fmt::format("{} ended by itself: {}", program(), process_->ending());
    return crash_;
}

std::string child_driver::stop() {
    if (!process_) return {};
    process_->wait_if_ending();
    crashed();  // what happened until now was its own doing
    stopping_ = true;
    const auto when = steady_clock::now() + settings_.stop_deadline;
    const bool asked = ask_to_end(when);
    const bool force = process_->stop(when, !asked);
    last_ = process_->measure();
    last_words_ = process_->last_words();
    process_.reset();
    after_end();
    if (!force) return {};
    return fmt::format("{} did not stop within {} s and was killed", program(),
                       std::chrono::duration<double>(settings_.stop_deadline).count());
}

std::string child_driver::last_words() const {
    return process_ ? process_->last_words() : last_words_;
}

std::string child_driver::filled_policy(const std::string& directory, const std::string& file) const {
    const auto path = directory + "/" + file;
    if (!std::filesystem::exists(path))
        throw set_up_error(fmt::format("the policy folder {} has no {}, which {} needs", directory, file, program()));
    return fill_template(read_file(path), settings_, path);
}

namespace {
std::string arguments_file(const std::string& directory, const std::string& driver) {
    const auto path = directory + "/" + driver + ".args";
    return !directory.empty() && std::filesystem::exists(path) ? path : std::string{};
}
}  // namespace

std::vector<std::string> child_driver::policy_arguments() const {
    const auto path = arguments_file(settings_.policy_directory, name());
    std::vector<std::string> out;
    if (path.empty()) return out;
    const auto text = fill_template(read_file(path), settings_, path);
    write_file(in_working_directory("policy-arguments.txt"), text);
    for (std::size_t from = 0; from < text.size();) {
        const auto to = std::min(text.find('\n', from), text.size());
        if (to > from) out.push_back(text.substr(from, to - from));
        from = to + 1;
    }
    return out;
}

void child_driver::refuse_arguments(const std::string& directory) const {
    const auto path = arguments_file(directory, name());
    if (!path.empty()) throw set_up_error(fmt::format("{} is for the start of {}; a running one cannot be told", path, program()));
}

std::string child_driver::first_line_of(std::vector<std::string> arguments, const std::string& containing) {
    try {
        const private_folder folder;
        process_settings what;
        what.arguments = std::move(arguments);
        what.output_file = folder.path() + "/version";
        process asked(what);
        if (!asked.wait_until(steady_clock::now() + milliseconds(20'000)) || asked.ending() != "exit 0") return {};
        const auto text = read_file(what.output_file);
        for (std::size_t from = 0; from < text.size();) {
            const auto to = std::min(text.find('\n', from), text.size());
            const auto line = text.substr(from, to - from);
            if (!line.empty() && line.find(containing) != std::string::npos) return line;
            from = to + 1;
        }
    } catch (const set_up_error&) {}  // start() says it better
    return {};
}

}  // namespace badorigin::drivers
