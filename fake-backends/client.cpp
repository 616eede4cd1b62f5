// Clients: one request each, on a connection of its own or a kept one.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "fake-backends/engine_impl.h"
#include "fake-backends/proxy_header.h"
#include "fake-backends/wire_text.h"

namespace badorigin::peers {

namespace {

bool sends_length(const request& what) {
    return what.body.kind != content::kind::none || what.method == "POST" || what.method == "PUT" || what.method == "PATCH";
}

tcp::endpoint endpoint_of(asio::io_context& context, const std::string& host, std::uint16_t port) {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (!error) return {address, port};
    tcp::resolver resolver(context);
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (error || found.empty()) throw set_up_error(fmt::format("the proxy's host {} has no address: {}", host, error.message()));
    return *found.begin();
}

}  // namespace

std::string client::header() const {
    if (what.raw) {
        const auto blank = what.raw->find("\r\n\r\n");
        return blank == std::string::npos ? *what.raw : what.raw->substr(0, blank + 4);
    }
    field_lines lines = {{"Host", owner.settings.host}, {"Badorigin-Token", token}};
    std::erase_if(lines, [&](const auto& line) { return field_value(what.fields, line.first) != nullptr; });
    lines.insert(lines.end(), what.fields.begin(), what.fields.end());
    const auto missing = [&](std::string_view name) { return field_value(lines, name) == nullptr; };
    if (sends_length(what) && missing("Content-Length") && missing("Transfer-Encoding")) {
        if (what.body.chunked) {
            lines.emplace_back("Transfer-Encoding", "chunked");
        } else {
            lines.emplace_back("Content-Length", std::to_string(what.body.bytes().size()));
        }
    }
    if (what.version == "1.0" && !what.connection.empty() && missing("Connection")) lines.emplace_back("Connection", "keep-alive");
    std::string out = fmt::format("{} {} HTTP/{}\r\n", what.method, what.target, what.version);
    for (const auto& [name, value] : lines) ((out += name) += ": ").append(value) += "\r\n";
    return out += "\r\n";
}

std::string client::body() const {
    if (what.raw) {
        const auto blank = what.raw->find("\r\n\r\n");
        return blank == std::string::npos ? std::string() : what.raw->substr(blank + 4);
    }
    auto bytes = what.body.bytes();
    return what.body.chunked && what.body.kind != content::kind::none ? chunk_coded(bytes) : bytes;
}

void client::give_up() {
    if (state != client_state::running) return;
    state = client_state::gave_up;
    gave_up = true;
    if (!link) return;
    link->finish();
    if (link->opened) {
        link->dispose();
    } else {
        boost::system::error_code ignored;
        link->socket.close(ignored);
    }
}

awaitable<bool> client::obtain_connection(nanoseconds deadline) {
    for (;;) {
        const auto found = owner.kept.find(what.connection);
        if (what.connection.empty() || found == owner.kept.end()) break;
        const auto earlier = found->second;
        if (!earlier->busy && !earlier->closed) earlier->drain();  // its end may have arrived already
        if (earlier->over() || earlier->sent_fin || earlier->reader.broken()) break;
        if (!earlier->busy) {
            earlier->busy = true;
            link = earlier;
            co_return true;
        }
        co_await earlier->until([&] { return !earlier->busy || earlier->over() || gave_up; }, deadline);
        if (gave_up) co_return false;
    }
    link = std::make_shared<connection>(owner, tcp::socket(owner.context), wire_reader::side::responses);
    const auto made = link;
    if (!what.connection.empty()) owner.kept[what.connection] = made;
    made->busy = true;
    made->keeps = owner.settings.keep_received;
    const auto [error] = co_await made->socket.async_connect(proxy, as_tuple);
    ++owner.moves;
    if (error || gave_up) {
        if (!gave_up) state = client_state::refused;
        made->dispose();
        co_return false;
    }
    made->open(true);
    // Nobody plays on a kept connection between requests: then its end is answered here.
    made->when_peer_ended = [weak = std::weak_ptr(made)] {
        if (const auto alive = weak.lock(); alive && !alive->busy) {
            alive->finish();
            alive->dispose();
        }
    };
    owner.spawn(made->pump());
    co_return true;
}

/// The header in its time. False: the connection ended meanwhile.
awaitable<bool> client::drip(const std::string& head) {
    constexpr std::size_t pieces = 8;
    const auto begun = owner.now();
    for (std::size_t i = 0; i < pieces; ++i) {
        if (i > 0) co_await link->until([this] { return link->over(); }, begun + what.sending.header_takes * i / (pieces - 1));
        if (link->peer_ended()) co_return false;
        const auto from = head.size() * i / pieces, to = head.size() * (i + 1) / pieces;
        const bool sent = co_await link->send(head.substr(from, to - from));
        if (!sent) co_return false;
    }
    co_return true;
}

/// False when a failing or scripted end of the connection makes waiting for a response pointless.
awaitable<bool> client::transmit() {
    auto head = header();
    if (link->asked == 1) head.insert(0, proxy_header_bytes(what.proxy_header).value_or(std::string()));
    auto bytes = body();
    if (what.sending.stop_after) bytes.resize(std::min<std::uint64_t>(bytes.size(), *what.sending.stop_after));
    bool sent = true;
    if (what.sending.header_takes.count() > 0) {
        sent = co_await drip(head) && co_await link->send(bytes);
    } else if (!what.sending.piece) {
        sent = co_await link->send(head + bytes);
    } else {
        sent = co_await link->send(head);
        const auto piece = std::max<std::uint64_t>(*what.sending.piece, 1);
        for (std::size_t at = 0; sent && at < bytes.size(); at += piece) {
            if (at > 0) co_await link->until([this] { return link->over(); }, owner.now() + what.sending.every);
            if (link->peer_ended()) break;
            sent = co_await link->send(bytes.substr(at, piece));
        }
    }
    if (!sent) co_return false;
    switch (what.sending.then) {
        case sending::ending::wait:
            break;
        case sending::ending::half_close:
            link->finish();
            break;
        case sending::ending::close:
            state = client_state::gave_up;
            co_await link->close_cleanly();
            co_return false;
        case sending::ending::reset:
            state = client_state::gave_up;
            co_await link->reset();
            co_return false;
    }
    co_return true;
}

awaitable<> client::run() {
    const auto deadline = owner.now() + what.deadline;
    std::optional<timer_entry> limit;
    limit.emplace(owner.timers, deadline, [this] { give_up(); });
    const bool linked = co_await obtain_connection(deadline);
    connected = true;
    if (!linked && state == client_state::running) give_up();
    owner.try_release();
    if (!linked) co_return;

    if (held) co_await link->until([this] { return go; }, std::nullopt);
    if (link->closed) co_return give_up();
    const auto mine = link->asked++;
    link->reader.expect(what.raw ? what.raw->substr(0, what.raw->find(' ')) : what.method);
    co_await transmit();
    if (state == client_state::running) {
        // Even when sending failed: an answer may have come before the connection broke.
        const auto answered = [&] { return link->reader.complete() > mine; };
        co_await link->until([&] { return answered() || link->over(); }, std::nullopt);
        if (state == client_state::running) state = answered() ? client_state::answered : client_state::closed_without_answer;
    }
    limit.reset();
    co_await settle();
    what = {};  // of many clients, only how they fared is kept
    link = nullptr;
}

awaitable<> client::settle() {
    heard = std::exchange(link->heard, {});
    const bool keep = !what.connection.empty() && state == client_state::answered && !link->over() && !link->sent_fin &&
                      !link->reader.last_message() && !link->reader.broken();
    link->busy = false;
    link->notify();
    if (!keep) co_await link->close_cleanly();
}

void engine::impl::try_release() {
    if (!releasing) return;
    const auto waiting = [](const auto& each) { return each->held && !each->go; };
    if (!std::ranges::all_of(clients, [&](const auto& each) { return !waiting(each) || each->connected; })) return;
    releasing = false;
    for (const auto& each : clients) {
        if (!waiting(each)) continue;
        each->go = true;
        if (each->link) each->link->notify();
    }
}

engine::client_id engine::start(const request& what, const std::string& proxy_host, std::uint16_t proxy_port, bool hold_until_release,
                                std::size_t number) {
    auto& own = *impl_;
    const auto id = own.clients.size();
    const auto place = endpoint_of(own.context, proxy_host, proxy_port);
    own.clients.emplace_back(
        new client{.owner = own,
                   .id = id,
                   .what = what,
                   .token = what.raw ? std::string() : fmt::format("{}-c{}", own.settings.run, number ? number : id + 1),
                   .proxy = place,
                   .held = hold_until_release,
                   .link = nullptr,
                   .heard = {}});
    own.spawn(own.clients.back()->run());
    return id;
}

void engine::release() {
    impl_->releasing = true;
    impl_->try_release();
}

bool engine::all_connected() const {
    return std::ranges::all_of(impl_->clients, [](const auto& each) { return !each->held || each->connected; });
}

std::string engine::local(client_id id) const {
    const auto& link = impl_->clients.at(id)->link;
    return link ? link->record->local : std::string();
}

const std::string& engine::heard(client_id id) const {
    const auto& one = *impl_->clients.at(id);
    return one.heard.empty() && one.link && one.state != client_state::answered ? one.link->heard : one.heard;
}

client_state engine::state(client_id id) const {
    return impl_->clients.at(id)->state;
}

const std::string& engine::token(client_id id) const {
    return impl_->clients.at(id)->token;
}

void engine::close_connection(const std::string& name) {
    const auto found = impl_->kept.find(name);
    if (found == impl_->kept.end()) return;
    const auto link = found->second;
    impl_->kept.erase(found);
    if (!link->opened || link->closed) return;
    impl_->spawn(link->close_cleanly());
}

}  // namespace badorigin::peers
