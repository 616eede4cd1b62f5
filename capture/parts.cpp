#include "capture/parts.h"

#include <algorithm>
#include <utility>

namespace badorigin::capture {
namespace {

constexpr std::size_t shown_of_content = 512;  // of what is still cited, or delivered later

std::size_t content_of(const exchange& e) {
    return (e.request ? e.request->message.content_start.size() : 0) + (e.response ? e.response->message.content_start.size() : 0);
}

void forget_content(std::optional<seen_message>& m) {
    if (!m || m->message.content_start.size() <= shown_of_content) return;
    m->message.content_start.resize(shown_of_content);
    m->message.content_start.shrink_to_fit();
}

}  // namespace

part_maker::part_maker(evidence& all, intake& packets, role_finder finder, std::optional<knowledge> known, part_limits limits, on_part give)
    : all_(all),
      packets_(packets),
      finder_(std::move(finder)),
      known_(std::move(known)),
      fixed_(known_.has_value()),
      limits_(limits),
      give_(std::move(give)) {
    if (!fixed_) return;
    all_.manifest.virtual_time = known_->virtual_time;
    packets_.name_by([this](connection& c) { name(c); });
}

void part_maker::name(connection& c) const {
    c.leg = known_->roles.leg_of(c);
    if (c.leg != leg::unknown) c.server_name = c.leg == leg::client ? "proxy" : "origin:" + c.server.text();
}

/// Takes what nothing can come before any more, and says up to where that is.
std::vector<std::shared_ptr<exchange>> part_maker::in_order(frame_ref& to) {
    for (auto& e : packets_.exchanges()) {
        bytes_ += content_of(*e);
        waiting_.push_back(std::move(e));
    }
    packets_.exchanges().clear();
    const auto place = [](const auto& e) { return std::pair(begin_of(*e).number, e->id); };
    auto end =
        to ? std::ranges::partition(waiting_, [&](const auto& e) { return begin_of(*e).number < to.number; }).begin() : waiting_.end();
    const auto wait = static_cast<std::size_t>(waiting_.end() - end);
    if (wait > limits_.waiting || (wait > 0 && bytes_ > limits_.bytes)) {
        std::ranges::sort(end, waiting_.end(), {}, place);
        end += static_cast<std::ptrdiff_t>((wait + 1) / 2);
        to = end == waiting_.end() ? frame_ref{begin_of(*waiting_.back()).number + 1, begin_of(*waiting_.back()).time} : begin_of(**end);
    }
    std::vector<std::shared_ptr<exchange>> ready(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    std::ranges::sort(ready, {}, place);
    for (const auto& e : ready) e->id = ++last_id_;
    return ready;
}

/// Of roles and of the clock.
void part_maker::learn(std::span<const exchange_ptr> from) {
    if (fixed_) return;
    const bool clock_jumps =
        (known_ && known_->virtual_time) || std::ranges::find(all_.markers, marker::kind::clock, &marker::kind) != all_.markers.end();
    const bool strangers = !known_ || std::ranges::any_of(from, [](const exchange_ptr& e) { return e->leg() == leg::unknown; });
    if (strangers) finder_.look(from);
    knowledge now{strangers ? finder_.found() : known_->roles, clock_jumps};
    if (known_ && *known_ == now) return;
    learned_late_ = learned_late_ || given_out_;
    known_ = std::move(now);
    all_.manifest.virtual_time = known_->virtual_time;
    packets_.name_by([this](connection& c) { name(c); });
}

void part_maker::look(const frame_ref& now) {
    const frame_ref open = packets_.streams().oldest_open();
    join(open ? open : frame_ref{now.number + 1, now.time});
}

void part_maker::finish() {
    join({});
}

void part_maker::join(const frame_ref& until) {
    frame_ref to = until;
    for (auto& e : in_order(to)) {
        unnamed_.push_back(e);
        given_.push_back(std::move(e));
    }
    if (to && !known_ && unnamed_.size() < limits_.first_look && bytes_ <= limits_.bytes) return;
    learn(unnamed_);
    for (const exchange_ptr& e : unnamed_) joiner_.add(e);
    unnamed_.clear();
    joiner_.advance(to);
    give_out(joiner_.take(bytes_ > limits_.bytes ? 0 : limits_.unsettled));
}

nanoseconds part_maker::first_opened() const {
    if (!all_.connections.empty()) return all_.connections.front()->opened.time;
    return all_.exchanges.empty() ? nanoseconds{0} : all_.exchanges.front()->on->opened.time;
}

void part_maker::give_out(joiner::settled&& settled) {
    all_.transactions = std::move(settled.transactions);
    all_.elsewhere = std::move(settled.elsewhere);
    all_.seen_to = settled.to;
    std::vector<std::shared_ptr<exchange>> part;
    for (; !given_.empty() && begin_of(*given_.front()).number < settled.to; given_.pop_front()) part.push_back(std::move(given_.front()));
    all_.exchanges.assign(part.begin(), part.end());
    auto& over = packets_.connections();
    const auto rest = std::ranges::partition(over, [&](const auto& c) { return c->last.number < settled.to; });
    all_.connections.assign(std::make_move_iterator(over.begin()), std::make_move_iterator(rest.begin()));
    over.erase(over.begin(), rest.begin());
    std::ranges::sort(all_.connections, {}, &connection::id);
    if (!given_out_) all_.began = first_opened();
    holes_.add(all_);
    given_out_ = true;
    give_(all_);
    all_.transactions.clear();
    all_.elsewhere.clear();
    all_.exchanges.clear();
    all_.connections.clear();
    for (auto& e : part) {
        bytes_ -= content_of(*e);
        if (e.use_count() == 1) {
            packets_.streams().take_back(std::move(e));
            continue;
        }
        forget_content(e->request);
        forget_content(e->response);
    }
}

}  // namespace badorigin::capture
