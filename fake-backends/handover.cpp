#include "fake-backends/handover.h"

#include <utility>

#include "fake-backends/engine_impl.h"

namespace badorigin::peers {

handover::handover(std::string the_origin, std::string the_serial, request_facts the_asked, std::size_t the_index,
                   std::shared_ptr<std::atomic<int>> thinking, std::function<void()> wake)
    : origin(std::move(the_origin)),
      serial(std::move(the_serial)),
      asked(std::move(the_asked)),
      index(the_index),
      thinking_(std::move(thinking)),
      wake_(std::move(wake)) {
    thinks(true);
}

handover::~handover() {
    thinks(false);
}

void handover::thinks(bool on) {
    if (std::exchange(thinks_, on) != on) thinking_->fetch_add(on ? 1 : -1);
}

std::optional<std::string> handover::read(std::chrono::milliseconds patience) {
    std::unique_lock hold(lock_);
    const auto ready = [this] { return !inbox_.empty() || ended_ || gone_; };
    if (!ready()) {
        thinks(false);
        changed_.wait_for(hold, patience, ready);
    }
    if (!ready()) return std::nullopt;
    thinks(true);
    return std::exchange(inbox_, {});
}

bool handover::gone() const {
    const std::lock_guard hold(lock_);
    return gone_;
}

void handover::put(handed_operation what) {
    const std::lock_guard hold(lock_);
    if (done_ || gone_) return;
    operations_.push_back(std::move(what));
    wake_();
}

void handover::write(std::string bytes) {
    if (!bytes.empty()) put(handed::send{std::move(bytes)});
}

void handover::answer(reply what) {
    put(handed::answer{std::move(what)});
}

void handover::close() {
    put(handed::close{});
}

void handover::reset() {
    put(handed::reset{});
}

bool handover::sleep(std::optional<nanoseconds> time, std::chrono::milliseconds patience) {
    std::unique_lock hold(lock_);
    if (time && !gone_) {
        asleep_ = true;
        operations_.push_back(handed::sleep{*time});
        wake_();
        thinks(false);
    }
    const auto over = [this] { return !asleep_ || gone_; };
    if (!changed_.wait_for(hold, patience, over)) return false;
    thinks(true);
    return true;
}

void handover::done() {
    put(handed::done{});
    const std::lock_guard hold(lock_);
    done_ = true;
    thinks(false);
}

void handover::deliver(std::string_view bytes, bool ended) {
    const std::lock_guard hold(lock_);
    inbox_ += bytes;
    ended_ = ended_ || ended;
    if (inbox_.empty() && !ended_) return;
    // Who waits in read() thinks from now on, not from when it runs: the run must not come to rest in between.
    if (!done_ && !asleep_) thinks(true);
    changed_.notify_all();
}

std::optional<handed_operation> handover::next() {
    const std::lock_guard hold(lock_);
    if (operations_.empty()) return std::nullopt;
    auto first = std::move(operations_.front());
    operations_.pop_front();
    return first;
}

bool handover::has_next() const {
    const std::lock_guard hold(lock_);
    return !operations_.empty();
}

void handover::woke() {
    const std::lock_guard hold(lock_);
    asleep_ = false;
    if (!done_) thinks(true);
    changed_.notify_all();
}

void handover::abandon() {
    const std::lock_guard hold(lock_);
    gone_ = true;
    wake_ = [] {};
    operations_.clear();
    thinks(false);
    changed_.notify_all();
}

const handover_taker* origin::taker(const request_facts& asked) const {
    for (const auto& [where, take] : handed_over) {
        if (matches(where, asked)) return &take;
    }
    return nullptr;
}

/// False when the connection cannot go on.
awaitable<bool> origin::converse(connection& link, const request_facts& asked, std::size_t exchange, const handover_taker& take) {
    const auto wake = [&context = owner.context, weak = link.weak_from_this()] {
        asio::post(context, [weak] {
            if (const auto alive = weak.lock()) {
                ++alive->owner.moves;
                alive->notify();
            }
        });
    };
    const auto turn = std::make_shared<handover>(script.name, next_serial(), asked, exchange, owner.thinking, wake);
    ++owner.moves;
    std::erase_if(owner.handovers, [](const auto& weak) { return weak.expired(); });
    owner.handovers.push_back(turn);
    take(turn);
    auto& messages = *link.messages;
    while (link.first_message < exchange && !messages.empty()) {
        messages.pop_front();
        ++link.first_message;
    }
    link.first_message = exchange;
    const auto unread = [&] { return !messages.empty() && !messages.front().empty(); };
    const auto over = [&] { return link.reader.complete() > exchange || link.over(); };
    bool told_end = false;
    while (!link.closed) {
        if (unread() || (over() && !told_end)) {
            told_end = over();
            turn->deliver(unread() ? std::exchange(messages.front(), {}) : std::string(), told_end);
        }
        while (const auto operation = turn->next()) {
            if (std::holds_alternative<handed::done>(*operation)) {
                // What is left of the request is read before another one can be answered.
                co_await link.until([&] { return over(); }, std::nullopt);
                co_return !link.over() && !link.sent_fin && !link.reader.last_message();
            }
            if (const auto* sends = std::get_if<handed::send>(&*operation)) {
                co_await link.send(sends->bytes);
            } else if (const auto* answers = std::get_if<handed::answer>(&*operation)) {
                const auto at = owner.unix_at(owner.now() + answers->reply.delay);
                const auto program = compile(answers->reply, asked, turn->serial, at, exchange > 0);
                const bool played = co_await play(link, program, exchange);
                if (!played || !program.keep) {
                    turn->abandon();
                    co_return false;
                }
            } else if (const auto* sleeps = std::get_if<handed::sleep>(&*operation)) {
                co_await link.until([&] { return link.record->rst; }, owner.now() + sleeps->time);
                turn->woke();
            } else if (std::holds_alternative<handed::close>(*operation)) {
                link.finish();
            } else {
                co_await link.reset();
            }
        }
        co_await link.until([&] { return unread() || turn->has_next() || (over() && !told_end); }, std::nullopt);
    }
    turn->abandon();
    co_return false;
}

}  // namespace badorigin::peers
