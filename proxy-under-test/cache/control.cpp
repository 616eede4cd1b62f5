#include "proxy-under-test/cache/control.h"

#include <list>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy-under-test/cache/engine.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using nlohmann::json;

namespace {
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

json failed(const std::string& why) {
    return {{"ok", false}, {"error", why}};
}

json moment(engine& in) {
    const auto next = in.time.next();
    return {{"ok", true},
            {"activity", in.net.activity + in.time.fired()},
            {"unacked", in.net.unacknowledged()},
            {"next_timer_ns", next ? json(next->count()) : json()},
            {"now_ns", in.now().count()}};
}

json status(engine& in) {
    json backends = json::array(), configurations = json::array(), storage = json::object();
    for (const auto& each : in.active->backends.backends()) backends.push_back({{"name", each->name()}, {"healthy", each->healthy()}});
    for (const auto& [name, each] : in.configurations) {
        configurations.push_back({{"name", name}, {"active", each == in.active}, {"warm", each->warm}});
    }
    in.objects.objects(in.now());  // what has expired counts no longer
    for (const auto& [name, area] : in.objects.areas)
        storage[name] = {{"limit", area.limit}, {"used", area.used}, {"objects", area.objects.size()}, {"evicted", area.evicted}};
    return {{"ok", true},
            {"backends", backends},
            {"objects", in.objects.objects(in.now())},
            {"storage", storage},
            {"bans", in.bans.held()},
            {"connections", in.net.open.size()},
            {"clients", {{"open", in.clients.open()}, {"most", in.clients.most}, {"gave_way", in.clients.gave_way()}}},
            {"log", {{"readers", in.log.readers()}, {"held", in.log.held()}, {"memory", in.log.memory}}},
            {"fetches", in.fetches},
            {"fetching", in.fetching},
            {"refreshing", in.refreshing},
            {"not_refreshed", in.not_refreshed},
            {"configurations", configurations}};
}

/// The requests that are answered at once.
json answer(engine& in, const std::string& what, const json& asked) {
    const auto text = [&](const char* name) { return asked.at(name).get<std::string>(); };
    const auto named = [&]() -> configuration_ptr {
        const auto found = in.configurations.find(text("name"));
        if (found == in.configurations.end()) throw std::runtime_error("There is no configuration " + text("name"));
        return found->second;
    };
    if (what == "ban") {
        if (auto added = in.bans.add(text("expression")); !added) return failed(added.error());
    } else if (what == "load") {
        if (in.configurations.contains(text("name"))) return failed("There is a configuration " + text("name") + " already");
        in.configurations[text("name")] = load_configuration(text("name"), text("file"), in.builtin());
    } else if (what == "use") {
        in.use(named());
    } else if (what == "discard") {
        if (named() == in.active) return failed("The configuration " + text("name") + " is in use");
        in.discard(named());
    } else if (what == "status") {
        return status(in);
    } else {
        return failed("There is no request \"" + what + "\"");
    }
    return {{"ok", true}};
}
}  // namespace

/// A connection that only reads the log. What it is about to be sent is no more than one piece.
struct log_follower {
    log_follower(record_log& of, stream_protocol::socket over) : reader(of), peer(std::move(over)) {}

    record_log::reader reader;
    stream_protocol::socket peer;
    std::string pending;

    /// Has something to send, if there is anything.
    bool refill() {
        constexpr std::size_t piece = 64 * 1024;
        if (pending.empty()) pending = reader.take(piece);
        return !pending.empty();
    }
};

struct control::parts {
    explicit parts(engine& of) : in(of), acceptor(of.io) {}

    engine& in;
    std::string path;
    stream_protocol::acceptor acceptor;
    std::list<log_follower> followers;
    int steering = 0;               ///< connections that do more than read the log
    std::function<void()> wake;     ///< a sync or an advance waits for quiescence
    std::optional<nanoseconds> to;  ///< of an advance

    awaitable<json> respond(std::string line, bool& quit, bool& follows) {
        const auto asked = json::parse(line, nullptr, false);
        if (!asked.is_object() || !asked.contains("do") || !asked["do"].is_string())
            co_return failed("Not an object with a \"do\": " + line);
        const auto what = asked["do"].get<std::string>();
        quit = what == "quit";
        follows = what == "log";
        if (quit || follows) co_return json{{"ok", true}};
        if ((what == "sync" || what == "advance") && wake) co_return failed("Another connection's sync or advance is not over");
        if (what == "advance" || what == "set_clock") {
            if (!asked.contains("to_ns") || !asked["to_ns"].is_number_integer()) co_return failed(what + " needs \"to_ns\"");
            if (!in.time.is_virtual()) co_return failed("The clock is real: start with --clock virtual");
            const auto when = nanoseconds(asked["to_ns"].get<std::int64_t>());
            if (when < in.now()) co_return failed("Time does not run backwards");
            if (what == "set_clock") {
                in.time.move_to(when);
                co_return moment(in);
            }
            to = when;
        }
        if (what == "sync" || what == "advance") {
            co_await until_woken([this](auto call) { wake = call; });
            co_return moment(in);
        }
        try {
            co_return answer(in, what, asked);
        } catch (const std::exception& wrong) {  // a missing member, or what load_configuration says
            co_return failed(wrong.what());
        }
    }

    awaitable<void> accept_all() {
        for (;;) {
            auto [refused, peer] = co_await acceptor.async_accept(as_result);
            if (refused) co_return;
            asio::co_spawn(in.io, serve(std::move(peer)), unattended);
        }
    }

    /// The end of the last that steers is the end of the cache.
    awaitable<void> serve(stream_protocol::socket peer) {
        ++steering;
        std::string input;
        bool quit = false, follows = false;
        while (!quit && !follows) {
            const auto end = input.find('\n');
            if (end == std::string::npos) {
                char more[4096];
                auto [ec, got] = co_await peer.async_read_some(asio::buffer(more), as_result);
                if (ec) break;
                input.append(more, got);
                continue;
            }
            const auto line = input.substr(0, end);
            input.erase(0, end + 1);
            auto out = (co_await respond(line, quit, follows)).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
            const bool told = co_await send(peer, out);
            if (!told) break;
        }
        if (--steering == 0 && !follows) in.stop();
        if (follows) co_await follow(std::move(peer));
        if (quit) in.stop();
    }

    static awaitable<bool> send(stream_protocol::socket& peer, std::string& out) {
        while (!out.empty()) {
            auto [ec, put] = co_await peer.async_write_some(asio::buffer(out), as_result);
            if (ec) co_return false;
            out.erase(0, put);
        }
        co_return true;
    }

    /// Records as they are made, until the reader goes.
    awaitable<void> follow(stream_protocol::socket over) {
        auto& to_whom = followers.emplace_back(in.log, std::move(over));
        bool there = true;
        while (there) {
            if (to_whom.refill()) {
                there = co_await send(to_whom.peer, to_whom.pending);
            } else {
                there = co_await something_new(to_whom);
            }
        }
        followers.remove_if([&](const log_follower& each) { return &each == &to_whom; });
    }

    /// False: the reader has gone.
    static awaitable<bool> something_new(log_follower& for_whom) {
        bool gone = false;
        co_await until_woken([&](auto wake) {
            // Whichever comes first; the other finds nobody.
            auto once = std::make_shared<std::function<void()>>(wake);
            const auto call = [once] {
                if (auto first = std::exchange(*once, nullptr)) first();
            };
            for_whom.reader.wait(call);
            for_whom.peer.async_wait(stream_protocol::socket::wait_read, [&gone, &for_whom, once, call](boost::system::error_code) {
                if (!*once) return;
                char unheeded[4096];
                gone = ::recv(for_whom.peer.native_handle(), unheeded, sizeof unheeded, MSG_DONTWAIT) == 0;
                call();
            });
        });
        for_whom.reader.wait({});
        boost::system::error_code ignored;
        for_whom.peer.cancel(ignored);
        co_return !gone;
    }

    /// The cache ends: what the readers' kernels still take of the rest. Nobody is waited for.
    void hand_out_rest() {
        for (auto& each : followers) {
            while (each.refill()) {
                const auto put = ::send(each.peer.native_handle(), each.pending.data(), each.pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (put <= 0) break;
                each.pending.erase(0, static_cast<std::size_t>(put));
            }
        }
    }
};

control::control(engine& in, const std::string& path) : parts_(std::make_unique<parts>(in)) {
    ::unlink(path.c_str());
    boost::system::error_code ec;
    auto& acceptor = parts_->acceptor;
    if (path.size() >= 108) throw std::runtime_error("The path of the control socket is too long: " + path);
    acceptor.open(stream_protocol(), ec);
    if (!ec) acceptor.bind(stream_protocol::endpoint(path), ec);
    if (!ec) acceptor.listen(16, ec);
    if (ec) throw std::runtime_error("Cannot listen for control at " + path + ": " + ec.message());
    parts_->path = path;
    asio::co_spawn(in.io, parts_->accept_all(), unattended);
}

control::~control() {
    parts_->hand_out_rest();
    if (!parts_->path.empty()) ::unlink(parts_->path.c_str());
}

bool control::quiescent() {
    auto& p = *parts_;
    if (!p.wake) return false;
    if (p.to) {
        if (p.in.time.fire_next(*p.to)) return true;
        p.in.time.move_to(*p.to);
        p.to.reset();
    }
    std::exchange(p.wake, nullptr)();
    return true;
}

}  // namespace badorigin::cache
