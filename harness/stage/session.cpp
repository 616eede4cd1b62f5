#include "harness/stage/session.h"

#include <optional>
#include <utility>

#include "harness/stage/one_run.h"
#include "harness/stage/priority.h"

namespace badorigin::stage {

namespace {

/// Says what it is about once, and not for every caller again.
void check(const scenario::scenario& script, const std::string& policies) {
    auto wrong = wrong_queries(script) + missing_policies(script, policies);
    if (wrong.empty()) return;
    wrong.pop_back();
    throw unreadable(wrong);
}

}  // namespace

session::session(run_settings settings, std::string proxy, scenario::scenario begin)
    : settings_(std::move(settings)),
      proxy_name_(std::move(proxy)),
      script_(std::move(begin)),
      driver_(drivers::make_driver(proxy_name_, settings_.program_directory)),
      folder_(bundle_folder(settings_, proxy_name_, script_.id)) {
    if (!settings_.planted_bugs.empty() && !driver_->can(drivers::capability::plant))
        throw drivers::set_up_error("only the bundled cache has planted bugs, not " + proxy_name_);
    check(script_, settings_.policies);
    not_applicable_ = why_not(script_, *driver_, settings_);
    driver_->require_startable();
    make_folder(settings_.out);
    settings_.interrupt = &interrupt_;
    thread_ = std::thread([this] { work(); });
}

session::~session() {
    interrupt();
    {
        const std::lock_guard hold(lock_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void session::interrupt() {
    interrupt_.store(true);
}

void session::post(std::function<void()> what) {
    {
        const std::lock_guard hold(lock_);
        queue_.push_back(std::move(what));
    }
    changed_.notify_all();
}

bool session::has_work() const {
    const std::lock_guard hold(lock_);
    return over_ || !queue_.empty();
}

void session::work() {
    try {
        have_descriptors_of_its_own();
    } catch (const run_error& e) { trouble_ = e.what(); }
    std::optional<higher_priority> raised;
    while (true) {
        std::function<void()> next;
        {
            std::unique_lock hold(lock_);
            const auto ready = [this] { return over_ || !queue_.empty(); };
            if (scene_ && !ready()) {
                hold.unlock();
                try {
                    scene_->idle([this] { return has_work(); });
                } catch (const std::exception& e) { fail(e.what()); }
                hold.lock();
            }
            changed_.wait(hold, ready);
            if (queue_.empty()) break;
            next = std::move(queue_.front());
            queue_.pop_front();
        }
        next();
        if (scene_ && !raised && script_.mode == scenario::time_mode::real_time) raised.emplace();
    }
    if (scene_) fail("abandoned");
}

void session::fail(const std::string& why) {
    if (trouble_.empty()) trouble_ = why;
    if (!scene_) return;
    try {
        scene_->take_down(why);
    } catch (const std::exception&) {  // the bundle says what could be kept
    }
    scene_.reset();
}

void session::hand_over(std::string origin, peers::route where, peers::handover_taker take) {
    post([this, origin = std::move(origin), where = std::move(where), take = std::move(take)] {
        handed_over_.emplace_back(origin, where, take);
        if (scene_) scene_->hand_over(origin, where, take);
    });
}

void session::bring_up() {
    brought_up_ = true;
    clear_bundle(folder_);
    const bool own_namespace = settings_.own_namespaces && !is_shared(proxy_name_);
    if (own_namespace) enter_namespace();
    auto about = settings_of_stage(settings_, proxy_name_, folder_, own_namespace);
    about.keep_received = true;
    scene_ = std::make_unique<stage>(std::move(about), script_, *driver_);
    for (const auto& [origin, where, take] : handed_over_) scene_->hand_over(origin, where, take);
}

std::vector<heard> session::perform_now(scenario::scenario longer) {
    if (!trouble_.empty()) throw run_error(trouble_);
    try {
        check(longer, settings_.policies);
        script_ = std::move(longer);
        if (!scene_) bring_up();
        scene_->rescript();
        while (performed_ < script_.steps.size()) scene_->perform(script_.steps[performed_++]);
    } catch (const unreadable&) {  // nothing has happened
        throw;
    } catch (const std::exception& e) {
        fail(e.what());
        throw;
    }
    if (const auto crash = scene_->crash(); !crash.empty() && !std::exchange(crash_told_, true)) throw proxy_crash(crash);
    return scene_->take_heard();
}

run_result session::end_now(scenario::scenario last) {
    run_result result;
    result.claim = last.claim;
    result.file = last.file;
    result.verdict.scenario = last.id;
    result.verdict.proxy = proxy_name_;
    result.evidence = settings_.evidence;
    result.folder = folder_;
    if (!not_applicable_.empty()) {
        result.verdict.outcome = judge::outcome::not_applicable;
        result.verdict.reason = not_applicable_;
        result.folder.clear();
        return result;
    }
    check(last, settings_.policies);
    try {
        if (!scene_ && !brought_up_ && trouble_.empty()) bring_up();
        script_ = std::move(last);
        if (scene_) {
            scene_->rescript();
            scene_->take_down();
        }
        scene_.reset();
    } catch (const std::exception& e) { fail(e.what()); }
    conclude(result, trouble_, settings_.keep);
    result.took = std::chrono::steady_clock::now() - begun_;
    return result;
}

std::future<std::vector<heard>> session::perform(scenario::scenario longer) {
    auto task = std::make_shared<std::packaged_task<std::vector<heard>()>>(
        [this, longer = std::move(longer)]() mutable { return perform_now(std::move(longer)); });
    post([task] { (*task)(); });
    return task->get_future();
}

std::future<run_result> session::end(scenario::scenario last) {
    auto task =
        std::make_shared<std::packaged_task<run_result()>>([this, last = std::move(last)]() mutable { return end_now(std::move(last)); });
    post([task] { (*task)(); });
    return task->get_future();
}

}  // namespace badorigin::stage
