#include "proxy-under-test/cache/control.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
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
            {"fetches", in.fetches},
            {"fetching", in.fetching},
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

struct control::parts {
    explicit parts(engine& of) : in(of), acceptor(of.io), peer(of.io) {}

    engine& in;
    std::string path;
    stream_protocol::acceptor acceptor;
    stream_protocol::socket peer;
    std::function<void()> wake;     ///< a sync or an advance waits for quiescence
    std::optional<nanoseconds> to;  ///< of an advance

    awaitable<json> respond(std::string line, bool& quit) {
        const auto asked = json::parse(line, nullptr, false);
        if (!asked.is_object() || !asked.contains("do") || !asked["do"].is_string())
            co_return failed("Not an object with a \"do\": " + line);
        const auto what = asked["do"].get<std::string>();
        quit = what == "quit";
        if (quit) co_return json{{"ok", true}};
        if (what == "advance") {
            if (!asked.contains("to_ns") || !asked["to_ns"].is_number_integer()) co_return failed("advance needs \"to_ns\"");
            if (!in.time.is_virtual()) co_return failed("The clock is real: start with --clock virtual");
            to = nanoseconds(asked["to_ns"].get<std::int64_t>());
            if (*to < in.now()) co_return failed("Time does not run backwards");
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

    awaitable<void> serve() {
        auto [refused] = co_await acceptor.async_accept(peer, as_result);
        if (refused) co_return;
        std::string input;
        for (bool quit = false; !quit;) {
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
            auto out = (co_await respond(line, quit)).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
            for (std::size_t done = 0; done < out.size();) {
                auto [ec, put] = co_await peer.async_write_some(asio::buffer(out.data() + done, out.size() - done), as_result);
                if (ec) break;
                done += put;
            }
        }
        in.stop();
    }
};

control::control(engine& in, const std::string& path) : parts_(std::make_unique<parts>(in)) {
    ::unlink(path.c_str());
    boost::system::error_code ec;
    auto& acceptor = parts_->acceptor;
    if (path.size() >= 108) throw std::runtime_error("The path of the control socket is too long: " + path);
    acceptor.open(stream_protocol(), ec);
    if (!ec) acceptor.bind(stream_protocol::endpoint(path), ec);
    if (!ec) acceptor.listen(1, ec);
    if (ec) throw std::runtime_error("Cannot listen for control at " + path + ": " + ec.message());
    parts_->path = path;
    asio::co_spawn(in.io, parts_->serve(), unattended);
}

control::~control() {
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
