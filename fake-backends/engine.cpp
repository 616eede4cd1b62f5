// The engine's loop and clock, and what all connections have in common.
#include "fake-backends/engine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "fake-backends/engine_impl.h"

namespace badorigin::peers {

using namespace std::chrono_literals;

// Timers

std::size_t timer_queue::fire(nanoseconds now) {
    std::size_t fired = 0;
    while (!entries_.empty() && entries_.begin()->first <= now) {
        const auto due = entries_.begin()->second;
        entries_.erase(entries_.begin());
        due->waiting = false;
        ++fired;
        due->wake();
    }
    return fired;
}

timer_entry::timer_entry(timer_queue& queue, std::optional<nanoseconds> when, std::function<void()> wake) : queue_(queue) {
    if (!when) return;
    waker_ = std::make_shared<timer_queue::waker>(timer_queue::waker{std::move(wake)});
    place_ = queue_.entries_.emplace(*when, waker_);
}

timer_entry::~timer_entry() {
    if (waker_ && waker_->waiting) queue_.entries_.erase(place_);
}

// Connections

namespace {

std::string text(const tcp::endpoint& end) {
    return fmt::format("{}:{}", end.address().to_string(), end.port());
}

int queued(tcp::socket& socket, unsigned long what) {
    int bytes = 0;
    return ::ioctl(socket.native_handle(), what, &bytes) == 0 ? bytes : 0;
}

}  // namespace

connection::connection(engine::impl& the_owner, tcp::socket the_socket, wire_reader::side side)
    : owner(the_owner), socket(std::move(the_socket)), reader(side), changed_(the_owner.context, asio::steady_timer::time_point::max()) {}

void connection::open(bool we_connected) {
    boost::system::error_code ignored;
    record->local = text(socket.local_endpoint(ignored));
    record->remote = text(socket.remote_endpoint(ignored));
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    opened = true;
    owner.open.push_back(shared_from_this());
    owner.records.push_back(record);
    ++owner.moves;
    if (owner.watch.opened) owner.watch.opened(record->local, record->remote, we_connected);
}

awaitable<> connection::pump() {
    const auto self = shared_from_this();
    while (!over()) {
        const auto [error] = co_await socket.async_wait(tcp::socket::wait_read, as_tuple);
        if (error || closed) break;
        if (reading) {
            drain();
        } else {
            co_await until([this] { return reading; }, std::nullopt);
        }
    }
    if (when_peer_ended && peer_ended()) when_peer_ended();
}

void connection::drain() {
    // A bounded number of reads a turn, so that one fast peer cannot keep the others from theirs.
    for (int reads = 0; reads < 64 && !over(); ++reads) {
        boost::system::error_code error;
        const auto size = socket.read_some(asio::buffer(owner.buffer), error);
        if (error == asio::error::would_block || error == asio::error::try_again) break;
        if (error) {
            peer_finished(error != asio::error::eof);
            break;
        }
        ++owner.moves;
        record->bytes += size;
        if (owner.watch.data) owner.watch.data(record->local, record->remote, false, owner.buffer.data(), size);
        take_in({owner.buffer.data(), size});
    }
    const int on = 1;
    if (!closed) ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    notify();
}

void connection::take_in(std::string_view bytes) {
    if (keeps) heard += bytes;
    if (!messages) return reader.feed(bytes);
    for (const char& one : bytes) {  // byte by byte, since a message ends at one
        const std::size_t message = reader.complete();
        while (first_message + messages->size() <= message) messages->emplace_back();
        (*messages)[message - first_message] += one;
        reader.feed({&one, 1});
    }
}

void connection::peer_finished(bool reset) {
    if (record->rst || (record->fin && !reset)) return;
    (reset ? record->rst : record->fin) = true;
    if (!reset) reader.end();
    ++owner.moves;
    if (owner.watch.ended) owner.watch.ended(record->local, record->remote, false, reset);
    notify();
}

awaitable<bool> connection::send(std::string bytes) {
    const auto self = shared_from_this();
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        if (closed || sent_fin || record->rst) co_return false;
        boost::system::error_code error;
        const auto size = socket.write_some(asio::buffer(bytes.data() + sent, bytes.size() - sent), error);
        if (error == asio::error::would_block || error == asio::error::try_again) {
            co_await socket.async_wait(tcp::socket::wait_write, as_tuple);
            continue;
        }
        if (error) {
            // What arrived before the reset is still ours to read; a reset while we were in CLOSE_WAIT shows as EPIPE.
            drain();
            peer_finished(true);
            co_return false;
        }
        ++owner.moves;
        if (owner.watch.data) owner.watch.data(record->local, record->remote, true, bytes.data() + sent, size);
        sent += size;
    }
    co_return true;
}

void connection::finish() {
    if (!opened || closed || sent_fin || record->rst) return;
    if (reading) drain();
    if (record->rst) return;
    sent_fin = true;
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    ++owner.moves;
    if (owner.watch.ended) owner.watch.ended(record->local, record->remote, true, false);
    notify();
}

awaitable<> connection::close_cleanly() {
    const auto self = shared_from_this();
    finish();
    co_await until([this] { return peer_ended(); }, owner.courtesy());
    dispose();
}

awaitable<> connection::reset() {
    const auto self = shared_from_this();
    // Linger zero throws away what has not left yet. It has, as a rule: the wait is for a peer whose window is full.
    asio::steady_timer pause(owner.context);
    for (int tries = 0; tries < 200 && !closed && queued(socket, SIOCOUTQNSD) > 0; ++tries) {
        ++owner.moves;
        pause.expires_after(1ms);
        co_await pause.async_wait(as_tuple);
    }
    if (closed) co_return;
    if (reading) drain();
    boost::system::error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    if (owner.watch.ended) owner.watch.ended(record->local, record->remote, true, true);
    dispose();
}

void connection::dispose() {
    if (closed) return;
    closed = true;
    busy = false;
    boost::system::error_code ignored;
    socket.close(ignored);
    ++owner.moves;
    std::erase_if(owner.open, [this](const auto& each) { return each.get() == this; });
    notify();
}

std::uint64_t connection::unacknowledged() {
    return closed ? 0 : static_cast<std::uint64_t>(queued(socket, SIOCOUTQ));
}

// The loop

engine::impl::impl(engine_settings the_settings, socket_watch the_watch) : settings(std::move(the_settings)), watch(std::move(the_watch)) {}

nanoseconds engine::impl::now() const {
    return settings.virtual_time ? virtual_now : std::chrono::steady_clock::now() - real_start;
}

std::chrono::seconds engine::impl::unix_at(nanoseconds when) const {
    return std::chrono::floor<std::chrono::seconds>(settings.wall_start + when);
}

std::optional<nanoseconds> engine::impl::courtesy() const {
    return settings.virtual_time ? std::nullopt : std::optional<nanoseconds>(now() + 200ms);
}

void engine::impl::spawn(awaitable<> what) {
    asio::co_spawn(context, std::move(what), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
}

origin& engine::impl::named(const std::string& name) {
    const auto found = origins.find(name);
    if (found == origins.end()) throw set_up_error(fmt::format("there is no origin called {}", name));
    return *found->second;
}

std::size_t engine::impl::turn() {
    std::size_t ran = 0;
    if (!settings.virtual_time) {
        const auto fired = timers.fire(now());
        moves += fired;
        ran += fired;
    }
    context.restart();
    return ran + context.poll();
}

void engine::impl::settle(const std::function<bool()>& done, std::chrono::milliseconds at_most) {
    const auto end = std::chrono::steady_clock::now() + at_most;
    while (turn(), !done() && std::chrono::steady_clock::now() < end) {
        context.restart();
        context.run_one_for(1ms);
    }
}

engine::engine(engine_settings settings, socket_watch watch) : impl_(std::make_unique<impl>(std::move(settings), std::move(watch))) {}

engine::~engine() {
    impl_->watch = {};
    for (const auto& weak : impl_->handovers) {
        if (const auto each = weak.lock()) each->abandon();
    }
    const auto open = impl_->open;
    for (const auto& each : open) each->dispose();
}

void engine::start_clock() {
    auto& own = *impl_;
    if (own.settings.virtual_time) return;
    own.settings.wall_start += own.now();
    own.real_start = std::chrono::steady_clock::now();
}

nanoseconds engine::now() const {
    return impl_->now();
}

nanoseconds engine::unix_now() const {
    return impl_->settings.wall_start + impl_->now();
}

void engine::set_responder(responder answers) {
    impl_->answers = std::move(answers);
}

bool engine::poll(std::chrono::milliseconds wait) {
    if (impl_->turn() > 0) return true;
    if (wait.count() == 0) return false;
    impl_->context.restart();
    return impl_->context.run_one_for(wait) > 0;
}

int engine::thinking() const {
    return impl_->thinking->load();
}

bool engine::run_until(const std::function<bool()>& done, nanoseconds deadline) {
    if (impl_->settings.virtual_time)
        throw set_up_error("run_until is for real time; under the virtual clock poll and advance_to drive the engine");
    asio::steady_timer alarm(impl_->context);  // exact, where a wait of the loop itself ends at whole milliseconds
    for (;;) {
        impl_->turn();
        if (done()) return true;
        const auto now = impl_->now();
        if (now >= deadline) return false;
        // `done` may look at things outside of the engine, so it is asked every few milliseconds at least.
        auto pause = std::min<nanoseconds>(deadline - now, 2ms);
        if (const auto next = impl_->timers.next()) pause = std::min(pause, std::max(*next - now, nanoseconds(0)));
        alarm.expires_after(pause);
        alarm.async_wait([](const boost::system::error_code&) {});
        impl_->context.restart();
        impl_->context.run_one();
    }
}

std::optional<nanoseconds> engine::next_timer() const {
    return impl_->timers.next();
}

void engine::advance_to(nanoseconds to) {
    if (!impl_->settings.virtual_time) throw set_up_error("advance_to is for the virtual clock; the engine runs in real time");
    // From expiry to expiry, so that whatever wakes sees its own time and may set the next timer.
    while (const auto next = impl_->timers.next()) {
        if (*next > to) break;
        impl_->virtual_now = std::max(impl_->virtual_now, *next);
        impl_->moves += impl_->timers.fire(impl_->virtual_now);
        impl_->turn();
    }
    impl_->virtual_now = std::max(impl_->virtual_now, to);
}

std::uint64_t engine::activity() const {
    return impl_->moves;
}

std::uint64_t engine::unacknowledged() const {
    std::uint64_t sum = 0;
    for (const auto& each : impl_->open) sum += each->unacknowledged();
    return sum;
}

const std::vector<std::string>& engine::unexpected_requests() const {
    return impl_->unexpected;
}

std::vector<socket_record> engine::shut_down() {
    auto& own = *impl_;
    if (!std::exchange(own.shut, true)) {
        const auto of_side = [&](bool origins) {
            std::vector<std::shared_ptr<connection>> out;
            for (const auto& each : own.open) {
                const bool served = std::ranges::any_of(own.origins, [&](const auto& entry) {
                    return std::ranges::any_of(entry.second->connections, [&](const auto& weak) { return weak.lock() == each; });
                });
                if (served == origins) out.push_back(each);
            }
            return out;
        };
        own.turn();
        for (const bool origins : {false, true}) {
            if (origins) {
                for (auto& [name, each] : own.origins) {
                    boost::system::error_code ignored;
                    each->acceptor->close(ignored);
                }
            }
            const auto closing = of_side(origins);
            for (const auto& each : closing) each->finish();
            own.settle([&] { return std::ranges::all_of(closing, [](const auto& each) { return each->over() || !each->reading; }); },
                       200ms);
            for (const auto& each : closing) each->dispose();
        }
        for (const auto& weak : own.handovers) {
            if (const auto each = weak.lock()) each->abandon();
        }
        for (const auto& each : own.clients) each->give_up();
        own.settle([&] { return own.context.poll() == 0; }, 50ms);
    }
    std::vector<socket_record> out;
    for (const auto& each : own.records) out.push_back(*each);
    return out;
}

}  // namespace badorigin::peers
