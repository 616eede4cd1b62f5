// Origins: how they listen, which reply a request gets, and playing its wire program.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "fake-backends/engine_impl.h"
#include "fake-backends/faults.h"

namespace badorigin::peers {

namespace {

std::vector<std::vector<int>> unused(const origin_script& script) {
    std::vector<std::vector<int>> out;
    for (const auto& each : script.routes) out.emplace_back(each.replies.size(), 0);
    return out;
}

void check(const origin_script& script) {
    for (const auto& where : script.routes) {
        for (const auto& each : where.replies) {
            if (each.fault && find_fault(each.fault->id) == nullptr) {
                throw set_up_error(fmt::format("origin {}: {} {} asks for the fault {}, which the catalogue does not have", script.name,
                                               where.method, where.target, each.fault->id));
            }
        }
    }
}

/// SYNs to this listener are dropped by a socket filter, which needs no rights.
bool deafen(int listener) {
    sock_filter drop_all[] = {{BPF_RET | BPF_K, 0, 0, 0}};
    const sock_fprog program{1, drop_all};
    return ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

std::string shown(std::string_view raw) {
    std::string out;
    for (const char c : raw.substr(0, 120)) out += c < ' ' || c > '~' ? '.' : c;
    return out;
}

}  // namespace

void origin::listen(listening mode) {
    if (acceptor) {
        // Who has connected already was accepted under the old mode.
        owner.turn();
        boost::system::error_code ignored;
        acceptor->close(ignored);
    }
    how = mode;
    acceptor = std::make_shared<tcp::acceptor>(owner.context);
    const tcp::endpoint place(owner.settings.all_addresses ? asio::ip::address_v4::any() : asio::ip::address_v4::loopback(), port);
    boost::system::error_code error;
    acceptor->open(place.protocol(), error);
    if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor->bind(place, error);
    if (!error && mode == listening::never_read) acceptor->set_option(asio::socket_base::receive_buffer_size(1), error);
    if (!error && mode == listening::ignore && !deafen(acceptor->native_handle())) error.assign(errno, boost::system::system_category());
    if (!error && mode != listening::refuse) acceptor->listen(1024, error);
    if (error == asio::error::address_in_use) {
        throw set_up_error(
            fmt::format("port {} is taken: another program listens there; give origin {} another port or none", port, script.name));
    }
    if (error)
        throw set_up_error(
            fmt::format("origin {} cannot listen on {}:{}: {}", script.name, place.address().to_string(), port, error.message()));
    port = acceptor->local_endpoint().port();
    if (mode != listening::refuse) owner.spawn(accept_loop(acceptor));
}

awaitable<> origin::accept_loop(std::shared_ptr<tcp::acceptor> from) {
    while (from->is_open()) {
        auto [error, socket] = co_await from->async_accept(as_tuple);
        if (error == asio::error::connection_aborted) continue;
        if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
        // The harness's own trouble (no descriptor is left, say) ends the run: a silent origin would be counted against the proxy.
        if (error) throw set_up_error(fmt::format("origin {} cannot accept connections any more: {}", script.name, error.message()));
        accepted(std::move(socket));
    }
}

void origin::accepted(tcp::socket socket) {
    auto link = std::make_shared<connection>(owner, std::move(socket), wire_reader::side::requests);
    if (!handed_over.empty()) link->messages.emplace();
    link->open(false);
    std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
    connections.push_back(link);
    switch (how) {
        case listening::never_read:
            link->reading = false;
            return;
        case listening::close_at_once:
            owner.spawn(link->pump());
            owner.spawn(link->close_cleanly());
            return;
        default:
            owner.spawn(link->pump());
            owner.spawn(serve(link));
    }
}

const reply* origin::choose(const request_facts& asked, bool reused) {
    for (std::size_t i = 0; i < script.routes.size(); ++i) {
        const auto& where = script.routes[i];
        if (!matches(where, asked)) continue;
        for (std::size_t k = 0; k < where.replies.size(); ++k) {
            const auto& candidate = where.replies[k];
            if ((candidate.repeat >= 0 && used[i][k] >= candidate.repeat) || !usable(candidate, asked, reused, owner.now())) continue;
            ++used[i][k];
            return &candidate;
        }
    }
    return nullptr;
}

std::string origin::next_serial() {
    return fmt::format("{}-{}-{}", owner.settings.run, script.name, ++serial);
}

wire_program origin::answer(const request_facts& asked, bool reused) {
    const auto id = next_serial();
    if (owner.answers) {
        if (const auto made = owner.answers(script.name, asked, owner.settings.wall_start + owner.now()))
            return compile(*made, asked, id, owner.unix_at(owner.now() + made->delay), reused);
    }
    // The response is made when its delay is over (an application that sleeps, then prints the time), so its Date is of then.
    if (const auto* chosen = choose(asked, reused)) return compile(*chosen, asked, id, owner.unix_at(owner.now() + chosen->delay), reused);
    owner.unexpected.push_back(fmt::format("unexpected request: origin {} was asked {} {}, which its script does not answer (500 sent)",
                                           script.name, asked.method, shown(asked.target)));
    reply sorry;
    sorry.status = 500;
    sorry.fields = {{"Content-Type", "text/plain"}};
    sorry.body.kind = content::kind::literal;
    sorry.body.literal = fmt::format("the script of origin {} has no answer to this request\n", script.name);
    return compile(sorry, asked, id, owner.unix_at(owner.now()), reused);
}

awaitable<> origin::serve(std::shared_ptr<connection> link) {
    auto& reader = link->reader;
    std::optional<nanoseconds> idle_close;
    for (std::size_t exchange = 0;; ++exchange) {
        const auto begun = [&] { return reader.heads() > exchange || reader.broken() || link->over() || link->sent_fin; };
        if (idle_close && co_await link->until([&] { return !reader.idle() || begun(); }, owner.now() + *idle_close) == false) break;
        co_await link->until(begun, std::nullopt);
        if (reader.heads() <= exchange) break;

        link->busy = true;
        link->asked = exchange + 1;
        const auto asked = reader.take_request();
        if (const auto* take = taker(asked)) {
            const bool goes_on = co_await converse(*link, asked, exchange, *take);
            link->busy = false;
            if (!goes_on) break;
            idle_close.reset();
            continue;
        }
        const auto program = answer(asked, exchange > 0);
        const bool played = co_await play(*link, program, exchange);
        link->busy = false;
        if (!played || !program.keep) break;
        idle_close = program.idle_close;
    }
    if (reader.broken() && !link->over() && !link->sent_fin) {
        owner.unexpected.push_back(fmt::format("origin {} received bytes that are no request (400 sent)", script.name));
        reply refusal;
        refusal.status = 400;
        refusal.close = true;
        const auto bytes = sent_bytes(compile(refusal, request_facts{}, next_serial(), owner.unix_at(owner.now()), false));
        co_await link->send(bytes);
    }
    co_await link->close_cleanly();
}

/// False when the connection cannot go on.
awaitable<bool> origin::play(connection& link, const wire_program& program, std::size_t exchange) {
    for (const auto& each : program.actions) {
        if (link.closed || link.record->rst) co_return false;
        if (std::holds_alternative<act::read_request_body>(each)) {
            const auto whole = [&] { return link.reader.complete() > exchange; };
            co_await link.until([&] { return whole() || link.reader.broken() || link.over(); }, std::nullopt);
            if (!whole()) co_return false;
        } else if (const auto* waits = std::get_if<act::wait>(&each)) {
            co_await link.until([&] { return link.record->rst; }, owner.now() + waits->time);
        } else if (const auto* sends = std::get_if<act::send>(&each)) {
            const bool sent = co_await link.send(sends->bytes);
            if (!sent) co_return false;
        } else if (const auto* drips = std::get_if<act::drip>(&each)) {
            for (std::size_t at = 0; at < drips->bytes.size(); at += drips->piece) {
                if (at > 0) co_await link.until([&] { return link.record->rst; }, owner.now() + drips->every);
                const bool sent = co_await link.send(drips->bytes.substr(at, drips->piece));
                if (!sent) co_return false;
            }
        } else if (const auto* stalls = std::get_if<act::stall>(&each)) {
            // A stall without end is over with the peer; one with an end is kept, since a FIN may be half of a close only.
            if (!stalls->time) {
                co_await link.until([&] { return link.over(); }, std::nullopt);
                co_return false;
            }
            co_await link.until([&] { return link.record->rst; }, owner.now() + *stalls->time);
        } else if (std::holds_alternative<act::close>(each)) {
            link.busy = false;
            co_await link.close_cleanly();
        } else if (std::holds_alternative<act::reset>(each)) {
            co_await link.reset();
        } else if (std::holds_alternative<act::half_close>(each)) {
            link.busy = false;
            link.finish();
            co_await link.until([&] { return link.over(); }, std::nullopt);
        } else if (std::holds_alternative<act::stop_reading>(each)) {
            link.reading = false;
        } else if (std::holds_alternative<act::resume_reading>(each)) {
            link.reading = true;
            link.notify();
        }
    }
    co_return true;
}

std::uint16_t engine::add_origin(const origin_script& script, std::uint16_t port) {
    check(script);
    auto& place = impl_->origins[script.name];
    if (place) throw set_up_error(fmt::format("there are two origins called {}", script.name));
    place.reset(new origin{*impl_, script, unused(script), port, nullptr, script.start, 0, {}, {}});
    try {
        place->listen(script.start);
    } catch (...) {
        impl_->origins.erase(script.name);
        throw;
    }
    return place->port;
}

void engine::hand_over(const std::string& origin, const route& where, handover_taker take) {
    impl_->named(origin).handed_over.emplace_back(where, std::move(take));
}

void engine::set_listening(const std::string& name, listening how) {
    impl_->named(name).listen(how);
}

void engine::set_script(const origin_script& script) {
    check(script);
    auto& changed = impl_->named(script.name);
    changed.script = script;
    changed.used = unused(script);
}

void engine::extend_script(const origin_script& script) {
    check(script);
    auto& changed = impl_->named(script.name);
    auto used = unused(script);
    for (std::size_t i = 0; i < std::min(used.size(), changed.used.size()); ++i) {
        for (std::size_t k = 0; k < std::min(used[i].size(), changed.used[i].size()); ++k) used[i][k] = changed.used[i][k];
    }
    changed.script = script;
    changed.used = std::move(used);
}

std::size_t engine::close_idle(const std::string& name, bool reset) {
    std::size_t closed = 0;
    for (const auto& weak : impl_->named(name).connections) {
        const auto link = weak.lock();
        if (!link || link->busy || link->over() || link->sent_fin || !link->reading) continue;
        link->drain();  // a request that is already here makes it not idle
        if (link->over() || !link->reader.idle() || link->reader.heads() > link->asked) continue;
        ++closed;
        if (reset) {
            impl_->spawn(link->reset());
        } else {
            link->finish();
        }
    }
    return closed;
}

std::size_t engine::busy() const {
    std::size_t count = 0;
    for (const auto& [name, each] : impl_->origins) {
        for (const auto& weak : each->connections) {
            const auto link = weak.lock();
            if (link && !link->closed && !link->peer_ended() && !link->sent_fin && (link->busy || !link->reader.idle())) ++count;
        }
    }
    return count;
}

}  // namespace badorigin::peers
