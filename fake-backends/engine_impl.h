// What engine.cpp, origin.cpp and client.cpp share. The only header that includes Asio; nobody else may include it.
//
// One io_context, turned by the caller's thread. Every connection has a pump (a coroutine that reads whatever arrives and feeds the
// framing reader) and at most one player (an origin's exchange or a client's request) that waits for conditions to become true.
// Because the pump reads all the time, a close of ours never becomes a reset by accident, and a peer's FIN or RST is seen at once.
// Waits never poll: whatever may make a condition true calls notify(). Times come from one queue that real and virtual clock share.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fake-backends/compile.h"
#include "fake-backends/engine.h"
#include "fake-backends/framing.h"

namespace badorigin::peers {

namespace asio = boost::asio;
using asio::ip::tcp;
template <typename Result = void>
using awaitable = asio::awaitable<Result>;
inline constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

/// Wakers by expiry, fired in order. An entry belongs to its timer_entry and fires at most once.
class timer_queue {
public:
    struct waker {
        std::function<void()> wake;
        bool waiting = true;
    };
    using place = std::multimap<nanoseconds, std::shared_ptr<waker>>::iterator;

    std::optional<nanoseconds> next() const { return entries_.empty() ? std::nullopt : std::optional(entries_.begin()->first); }
    /// Fires everything due at `now`; returns how many.
    std::size_t fire(nanoseconds now);

private:
    friend class timer_entry;
    std::multimap<nanoseconds, std::shared_ptr<waker>> entries_;
};

/// An entry of the queue for as long as it lives; none when there is no time.
class timer_entry {
public:
    timer_entry(timer_queue& queue, std::optional<nanoseconds> when, std::function<void()> wake);
    ~timer_entry();
    timer_entry(const timer_entry&) = delete;
    timer_entry& operator=(const timer_entry&) = delete;

private:
    timer_queue& queue_;
    std::shared_ptr<timer_queue::waker> waker_;
    timer_queue::place place_;
};

struct connection : std::enable_shared_from_this<connection> {
    connection(engine::impl& the_owner, tcp::socket the_socket, wire_reader::side side);

    engine::impl& owner;
    tcp::socket socket;
    wire_reader reader;
    std::shared_ptr<socket_record> record = std::make_shared<socket_record>();
    bool reading = true;  ///< the pump may read
    bool keeps = false;   ///< what it receives, in `heard`
    std::string heard;
    std::optional<std::deque<std::string>>
        messages;  ///< origins that hand requests over: raw bytes, message by message from `first_message`
    std::size_t first_message = 0;
    bool busy = false;  ///< an exchange or a program is under way
    bool opened = false, closed = false, sent_fin = false;
    std::size_t asked = 0;  ///< requests taken up on it so far
    std::function<void()> when_peer_ended;

    bool peer_ended() const { return record->fin || record->rst; }
    bool over() const { return closed || peer_ended(); }

    void open(bool we_connected);  ///< names the ends, sets options, registers, starts nothing
    awaitable<> pump();
    void drain();  ///< reads what is there now
    awaitable<bool> send(std::string bytes);
    void finish();                ///< FIN now, everything that is there read first
    awaitable<> close_cleanly();  ///< finish, wait for the peer's end (bounded in real time), release the socket
    awaitable<> reset();          ///< RST behind everything written
    void dispose();               ///< releases the socket; every wait on this connection ends
    void notify() { changed_.cancel(); }
    std::uint64_t unacknowledged();

    /// True once `done` holds; false when the connection is closed by us or the time is reached before.
    template <typename Done>
    awaitable<bool> until(Done done, std::optional<nanoseconds> at);

private:
    void peer_finished(bool reset);
    void take_in(std::string_view bytes);
    asio::steady_timer changed_;
};

struct origin {
    engine::impl& owner;
    origin_script script;
    std::vector<std::vector<int>> used;  ///< per route and reply
    std::uint16_t port = 0;
    std::shared_ptr<tcp::acceptor> acceptor;
    listening how = listening::accept;
    std::uint64_t serial = 0;
    std::vector<std::weak_ptr<connection>> connections;
    std::vector<std::pair<route, handover_taker>> handed_over;

    void listen(listening mode);
    awaitable<> accept_loop(std::shared_ptr<tcp::acceptor> from);
    void accepted(tcp::socket socket);
    awaitable<> serve(std::shared_ptr<connection> link);
    /// Null when the script has no answer left.
    const reply* choose(const request_facts& asked, bool reused);
    wire_program answer(const request_facts& asked, bool reused);
    const handover_taker* taker(const request_facts& asked) const;
    awaitable<bool> converse(connection& link, const request_facts& asked, std::size_t exchange, const handover_taker& take);
    awaitable<bool> play(connection& link, const wire_program& program, std::size_t exchange);
    std::string next_serial();
};

struct client {
    engine::impl& owner;
    engine::client_id id = 0;
    request what;
    std::string token;
    tcp::endpoint proxy;
    client_state state = client_state::running;
    bool held = false, go = false, connected = false, gave_up = false;
    std::shared_ptr<connection> link;
    std::string heard;

    awaitable<> run();
    awaitable<bool> obtain_connection(nanoseconds deadline);
    awaitable<bool> drip(const std::string& head);
    awaitable<bool> transmit();
    awaitable<> settle();
    std::string header() const;
    std::string body() const;
    void give_up();
};

struct engine::impl {
    impl(engine_settings the_settings, socket_watch the_watch);

    engine_settings settings;
    socket_watch watch;
    timer_queue timers;
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::shared_ptr<connection>> open;
    std::vector<std::shared_ptr<socket_record>> records;
    std::map<std::string, std::unique_ptr<origin>> origins;
    std::deque<std::unique_ptr<client>> clients;
    std::map<std::string, std::shared_ptr<connection>> kept;
    std::vector<std::string> unexpected;
    std::shared_ptr<std::atomic<int>> thinking = std::make_shared<std::atomic<int>>(0);
    std::vector<std::weak_ptr<handover>> handovers;
    responder answers;
    std::array<char, 65536> buffer{};
    std::uint64_t moves = 0;
    bool releasing = false, shut = false;
    nanoseconds virtual_now{0};
    std::chrono::steady_clock::time_point real_start = std::chrono::steady_clock::now();

    nanoseconds now() const;
    std::chrono::seconds unix_at(nanoseconds when) const;
    /// A deadline so far from now for waits that are the wire's affair, not the scenario's; none under a virtual clock.
    std::optional<nanoseconds> courtesy() const;
    void spawn(awaitable<> what);
    void try_release();
    origin& named(const std::string& name);
    std::size_t turn();  ///< runs what is ready
    /// Runs in real time until `done` holds, at most so long (shut_down only).
    void settle(const std::function<bool()>& done, std::chrono::milliseconds at_most);
};

template <typename Done>
awaitable<bool> connection::until(Done done, std::optional<nanoseconds> at) {
    const auto self = shared_from_this();
    while (!done()) {
        if (closed || (at && owner.now() >= *at)) co_return false;
        const timer_entry entry(owner.timers, at, [this] { notify(); });
        co_await changed_.async_wait(as_tuple);
    }
    co_return true;
}

}  // namespace badorigin::peers
