#include "harness/stage/playback.h"

#include <algorithm>
#include <utility>

#include "harness/stage/stage.h"

namespace badorigin::stage {

bool player::may_begin(const playback::turn& next, nanoseconds now) const {
    return next.after <= over_in_order_ && (!what_.keep_times || next.at <= now);
}

void player::pass_what_is_over(nanoseconds now) {
    for (; over_in_order_ < what_.over.size(); ++over_in_order_) {
        const auto turn = what_.over[over_in_order_];
        const bool too_late = what_.keep_times && now > what_.turns[turn].over + what_.patience;
        if (!is_over_[turn] && !too_late) return;
    }
}

void player::start(std::size_t turn) {
    auto request = what_.request(turn);
    const auto connection = request.connection;
    going_.push_back({turn, engine_.start(request, host_, port_, false, turn + 1), connection});
}

void player::start_due(nanoseconds now) {
    pass_what_is_over(now);
    for (; next_ < what_.turns.size() && may_begin(what_.turns[next_], now); ++next_) {
        auto& on = lines_[what_.turns[next_].connection];
        if (on.busy) {
            on.waiting.push_back(next_);
        } else {
            on.busy = true;
            start(next_);
        }
    }
}

void player::finish(const going& one) {
    const auto& turn = what_.turns[one.turn];
    is_over_[one.turn] = true;
    ++finished_;
    if (turn.last) {
        if (!one.connection.empty()) engine_.close_connection(one.connection);
        lines_.erase(turn.connection);
        return;
    }
    auto& on = lines_[turn.connection];
    on.busy = !on.waiting.empty();
    if (!on.busy) return;
    const auto next = on.waiting.front();
    on.waiting.erase(on.waiting.begin());
    start(next);
}

bool player::notice() {
    std::vector<going> ended;
    for (std::size_t i = 0; i < going_.size();) {
        if (engine_.state(going_[i].client) == peers::client_state::running) {
            ++i;
            continue;
        }
        ended.push_back(std::move(going_[i]));
        if (i + 1 < going_.size()) going_[i] = std::move(going_.back());
        going_.pop_back();
    }
    for (const auto& one : ended) finish(one);
    return !ended.empty();
}

nanoseconds player::next_due(nanoseconds now) const {
    if (!what_.keep_times || next_ == what_.turns.size()) return nanoseconds::max();
    const auto& next = what_.turns[next_];
    if (next.at > now || over_in_order_ == what_.over.size()) return next.at;
    return what_.turns[what_.over[over_in_order_]].over + what_.patience + nanoseconds{1};
}

void stage::play(const playback& what) {
    player all(what, *engine_, proxies_.front().host, proxies_.front().port);
    engine_->set_responder(what.answer);
    if (what.begin) what.begin(engine_->unix_now());
    const auto begun = now();
    while (!all.done()) {
        const auto since = now() - begun;
        all.start_due(since);
        const auto due = all.next_due(since);
        drive([&] { return all.notice(); }, due == nanoseconds::max() ? due : begun + due);
        if (what.progress) what.progress(all.finished());
        if (!manifest_.proxy_crash.empty()) throw run_error("the proxy ended by itself: " + manifest_.proxy_crash);
        if (const auto unwritten = witness_->error(); !unwritten.empty()) throw run_error("evidence could not be written: " + unwritten);
    }
}

}  // namespace badorigin::stage
