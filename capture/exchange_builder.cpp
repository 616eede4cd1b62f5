#include "capture/exchange_builder.h"

#include <algorithm>
#include <utility>

#include "http/proxy_header.h"

namespace badorigin::capture {
namespace {
constexpr std::size_t frames_kept = 64, strays_kept = 1024;
constexpr std::size_t spares_kept = 4096, largest_spare = 16384;
}  // namespace

std::shared_ptr<exchange> spares::an_exchange() {
    if (exchanges_.empty()) return std::make_shared<exchange>();
    std::shared_ptr<exchange> e = std::move(exchanges_.back());
    exchanges_.pop_back();
    return e;
}

seen_message spares::a_message() {
    if (messages_.empty()) return {};
    seen_message m = std::move(messages_.back());
    messages_.pop_back();
    return m;
}

void spares::give(std::shared_ptr<exchange> e) {
    if (exchanges_.size() >= spares_kept) return;
    give(e->request);
    give(e->response);
    *e = exchange();
    exchanges_.push_back(std::move(e));
}

void spares::give(std::optional<seen_message>& m) {
    if (!m || messages_.size() >= 2 * spares_kept || m->message.content_start.capacity() > largest_spare) return;
    m->message.clear();
    m->frames.clear();
    m->first = m->header_end = m->last = {};
    messages_.push_back(std::move(*m));
}

exchange_builder::exchange_builder(std::shared_ptr<connection> on, std::uint64_t& last_id, const on_exchange& yield, spares& used,
                                   const http::reader_limits& limits)
    : on_(std::move(on)), last_id_(last_id), yield_(yield), spares_(used), limits_(limits) {
    requests_.owner = responses_.owner = this;
    responses_.side = http::direction::response;
}

http::reader& exchange_builder::reader(half& h) {
    if (!h.reader) h.reader.emplace(h.side, h, limits_);
    return *h.reader;
}

void exchange_builder::feed(http::direction side, const frame_ref& frame, std::string_view bytes) {
    half& h = of(side);
    if (h.ended || bytes.empty()) return;
    if (now_ != frame) before_ = now_;
    now_ = h.last_frame = frame;
    if (h.message_open && h.current.frames.size() < frames_kept) h.current.frames.push_back(frame.number);
    if (side == http::direction::request && !h.reader)
        feed_first(h, bytes);
    else
        reader(h).feed(bytes);
    give_out();
}

/// What the client begins its connection with may be a PROXY header, which no HTTP reader is to see.
void exchange_builder::feed_first(half& h, std::string_view bytes) {
    if (!on_->complete_start) return reader(h).feed(bytes);
    first_bytes_ += bytes;
    const auto header = http::read_proxy_header(first_bytes_);
    if (header.what == http::proxy_header::found::part) return;
    if (header.what == http::proxy_header::found::whole) {
        on_->proxy_header = header.text();
        h.reader.emplace(h.side, h, limits_, header.size);
    }
    reader(h).feed(std::string_view(first_bytes_).substr(header.size));
    first_bytes_.clear();
}

/// No more of what may have been a PROXY header will come.
void exchange_builder::give_up_first() {
    if (!first_bytes_.empty()) reader(requests_).feed(std::exchange(first_bytes_, {}));
}

void exchange_builder::gap(http::direction side, std::uint64_t length) {
    half& h = of(side);
    if (h.ended) return;
    if (side == http::direction::request) give_up_first();
    if (h.message_open) {
        h.target->gap = true;
    } else if (open_exchange* e = side == http::direction::response ? awaiting_response() : nullptr) {
        e->what->gap = true;
        e->lost_a_response = true;
    } else {
        gap_for_next_ = true;
    }
    const bool was_open = h.message_open;
    reader(h).gap(length);
    const bool ended_with_its_message = was_open && h.whole_to == h.reader->position();
    if (!h.message_open && !ended_with_its_message) doubt(h);
    give_out();
}

/// Messages may have begun inside a hole: who answers whom is not certain for what is open, nor for what comes.
void exchange_builder::doubt(half& h) {
    h.in_doubt = true;
    if (h.side == http::direction::request) {
        unasked_since_hole_ = false;
        return;
    }
    for (open_exchange& e : open_)
        if (!e.response_over) e.what->gap = true;
}

/// A request begins. Doubts end where nothing is awaited: a client that does not pipeline has then all its answers. (After a hole in the
/// requests the answer to what it swallowed must have been seen as well.)
void exchange_builder::settle_doubts() {
    // An answer that fell into a hole will not come any more.
    if (!responses_.message_open)
        for (open_exchange& e : open_)
            if (e.lost_a_response && e.request_over) e.response_over = true;
    if (awaiting_response()) return;
    responses_.in_doubt = false;
    if (unasked_since_hole_) requests_.in_doubt = false;
}

void exchange_builder::end(http::direction side, http::stream_end how) {
    half& h = of(side);
    if (h.ended) return;
    if (side == http::direction::request) give_up_first();
    h.ended = true;
    if (h.reader) h.reader->end(how);
    give_out();
}

void exchange_builder::finish(http::stream_end how) {
    end(http::direction::request, how);
    end(http::direction::response, how);
    for (open_exchange& e : open_) yield_(std::move(e.what));
    open_.clear();
}

exchange_builder::open_exchange& exchange_builder::begin_exchange(bool asked) {
    auto e = spares_.an_exchange();
    e->id = ++last_id_;
    e->on = on_;
    e->index = on_->exchanges++;
    if (e->index > 0 && open_.empty()) e->idle_before = std::max(nanoseconds{0}, now_.time - before_.time);
    e->gap = std::exchange(gap_for_next_, false) || requests_.in_doubt || responses_.in_doubt || requests_.unread || responses_.unread ||
             (!asked && !on_->holes.empty());
    if (!asked) unasked_since_hole_ = true;
    open_.push_back({.what = std::move(e), .begun = now_});
    return open_.back();
}

exchange_builder::open_exchange* exchange_builder::entry(const std::shared_ptr<exchange>& what) {
    for (open_exchange& e : open_)
        if (e.what == what) return &e;
    return nullptr;
}

exchange_builder::open_exchange* exchange_builder::awaiting_response() {
    for (open_exchange& e : open_)
        if (!e.response_over) return &e;
    return nullptr;
}

void exchange_builder::announce(open_exchange& e, std::string_view method) {
    if (e.announced || e.final_header || responses_.ended) return;
    e.announced = true;
    reader(responses_).expect_response_to(method);
}

void exchange_builder::give_out() {
    std::size_t over = 0;
    while (over < open_.size() && open_[over].request_over && open_[over].response_over) ++over;
    for (std::size_t i = 0; i < over; ++i) yield_(std::move(open_[i].what));
    open_.erase(open_.begin(), open_.begin() + static_cast<std::ptrdiff_t>(over));
}

void exchange_builder::half::on_begin(http::stream_offset) {
    current = owner->spares_.a_message();
    current.first = owner->now_;
    current.frames.push_back(owner->now_.number);
    message_open = true;
    if (side == http::direction::request) {
        owner->settle_doubts();
        target = owner->begin_exchange(true).what;
        return;
    }
    open_exchange* e = owner->awaiting_response();
    if (!e) {
        e = &owner->begin_exchange(false);
        e->request_over = true;
    }
    target = e->what;
}

void exchange_builder::half::on_header(const http::message& so_far) {
    current.header_end = owner->now_;
    open_exchange* e = owner->entry(target);
    if (!e) return;
    if (side == http::direction::request) {
        if (const auto token = so_far.field(token_field)) target->token = *token;
        owner->announce(*e, so_far.method);
    } else if (!so_far.interim()) {
        e->final_header = true;
        if (const auto serial = so_far.field(serial_field)) target->serial = *serial;
        if (so_far.framing == http::framing::tunnel && !owner->requests_.ended) owner->reader(owner->requests_).become_tunnel();
    }
}

void exchange_builder::half::on_end(http::message&& whole) {
    if (!message_open) return;
    message_open = false;
    current.last = last_frame;
    whole_to = whole.complete ? std::optional(whole.end) : std::nullopt;
    std::swap(current.message, whole);
    if (current.message.gap) target->gap = true;
    if (current.message.has(http::anomaly::oversize_header)) {  // the reader skips the rest of the stream
        unread = true;
        owner->doubt(*this);
    }
    open_exchange* e = owner->entry(target);
    if (side == http::direction::request) {
        if (e) {
            owner->announce(*e, current.message.method);
            e->request_over = true;
        }
        target->request = std::move(current);
    } else if (current.message.interim()) {
        target->interim.push_back(std::move(current));
    } else {
        if (e) e->response_over = true;
        target->response = std::move(current);
    }
    target.reset();
}

void exchange_builder::half::on_stray(http::stream_offset at, http::anomaly why) {
    if (owner->on_->stray.size() < strays_kept) owner->on_->stray.push_back({why, at});
}

}  // namespace badorigin::capture
