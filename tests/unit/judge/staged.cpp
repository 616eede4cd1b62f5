#include "tests/unit/judge/staged.h"

#include <algorithm>

#include <fmt/format.h>

#include "capture/joiner.h"

namespace badorigin::judge::test {

namespace {

struct last_message : http::reader_sink {
    std::optional<http::message> got;
    std::vector<http::anomaly_at> stray;
    void on_begin(http::stream_offset) override {}
    void on_header(const http::message&) override {}
    void on_end(http::message&& whole) override {
        if (!got || got->interim()) got = std::move(whole);
    }
    void on_stray(http::stream_offset at, http::anomaly why) override { stray.push_back({why, at}); }
};

std::string text_of(const http::fields& fields, std::initializer_list<std::string_view> without) {
    std::string all;
    for (const auto& f : fields) {
        bool drop = std::ranges::any_of(without, [&](std::string_view name) { return http::same_name(f.name, name); });
        if (!drop) all += fmt::format("{}: {}\r\n", f.name, f.value);
    }
    return all;
}

}  // namespace

staged::staged() {
    evidence.manifest.virtual_time = true;
    evidence.manifest.proxy = "bundled";
    scenario.id = "made/by-hand";
    marker(capture::marker::kind::start, "made/by-hand");
}

capture::frame_ref staged::frame() {
    ++frames_;
    return {frames_, nanoseconds{1'700'000'000s} + clock_ + std::chrono::microseconds{frames_}};
}

void staged::marker(enum capture::marker::kind kind, const std::string& text) {
    capture::marker m;
    m.kind = kind;
    m.number = static_cast<std::uint32_t>(evidence.markers.size());
    m.clock = clock_;
    m.wall = 1'700'000'000s;
    m.text = text;
    m.frame = frame();
    evidence.markers.push_back(std::move(m));
}

void staged::at(nanoseconds clock) {
    clock_ = clock;
    marker(capture::marker::kind::clock, {});
}
void staged::note(const std::string& text) {
    marker(capture::marker::kind::note, text);
}

void staged::vitals(const std::string& step, nanoseconds monotonic, nanoseconds cpu, std::uint32_t descriptors, std::uint64_t resident) {
    capture::vitals_sample s;
    s.step = step;
    s.monotonic = monotonic;
    s.cpu = cpu;
    s.descriptors = descriptors;
    s.resident_bytes = resident;
    evidence.vitals.push_back(std::move(s));
}

void staged::starve(nanoseconds lasts, nanoseconds starved) {
    evidence.manifest.virtual_time = false;
    vitals("start", 0s, 0s);
    vitals("end", lasts, 0s);
    evidence.vitals.back().starved = starved;
}

connection_handle staged::client_connection() {
    auto c = std::make_shared<capture::connection>();
    c->id = connections_.size() + 1;
    capture::endpoint::parse(fmt::format("127.0.0.1:{}", ++ports_), c->client);
    capture::endpoint::parse("127.0.0.1:8080", c->server);
    c->leg = capture::leg::client;
    c->server_name = "proxy";
    c->opened = c->last = frame();
    c->complete_start = c->established = true;
    connections_.push_back(c);
    return c;
}
connection_handle staged::origin_connection(const std::string& name) {
    auto c = client_connection();
    capture::endpoint::parse("127.0.0.1:9001", c->server);
    c->leg = capture::leg::origin;
    c->server_name = "origin:" + name;
    return c;
}
void staged::server_closes(const connection_handle& c) {
    c->server_fin = c->last = frame();
}
void staged::client_closes(const connection_handle& c) {
    c->client_fin = c->last = frame();
}

exchange_handle staged::made(const connection_handle& on) {
    auto e = std::make_shared<capture::exchange>();
    e->on = on;
    e->index = on->exchanges++;
    exchanges_.push_back(e);
    return e;
}

capture::seen_message staged::seen(const std::string& bytes, http::direction side, const std::string& method, ending end) {
    last_message sink;
    http::reader reader{side, sink};
    if (side == http::direction::response) reader.expect_response_to(method);
    reader.feed(bytes);
    if (!sink.got)
        reader.end(end == ending::fin     ? http::stream_end::fin
                   : end == ending::reset ? http::stream_end::reset
                                          : http::stream_end::capture_ended);
    capture::seen_message m;
    if (sink.got) m.message = std::move(*sink.got);
    m.first = m.header_end = m.last = frame();
    if (m.message.content_size > 0) m.last = frame();
    m.frames = {m.first.number};
    if (m.last.number != m.first.number) m.frames.push_back(m.last.number);
    return m;
}

exchange_handle staged::request(const connection_handle& on, const std::string& bytes, ending end) {
    auto e = made(on);
    e->request = seen(bytes, http::direction::request, {}, end);
    if (auto token = e->request->message.field(capture::token_field)) e->token = *token;
    on->request_bytes += bytes.size();
    on->last = e->request->last;
    if (end == ending::fin) client_closes(on);
    if (end == ending::reset) on->client_rst = on->last = frame();
    return e;
}

exchange_handle staged::step(const std::string& name, const std::string& method, const std::string& target, const std::string& fields,
                             const std::string& body, connection_handle on) {
    if (!on) on = client_connection();
    auto token = fmt::format("t{}", ++tokens_);
    note(fmt::format("token {}={}", name, token));
    auto length = body.empty() ? std::string{} : fmt::format("Content-Length: {}\r\n", body.size());
    return request(on, fmt::format("{} {} HTTP/1.1\r\nHost: badorigin.test\r\nBadorigin-Token: {}\r\n{}{}\r\n{}", method, target, token,
                                   fields, length, body));
}

exchange_handle staged::raw_step(const std::string& name, const std::string& bytes, ending end, connection_handle on) {
    if (!on) on = client_connection();
    note(fmt::format("raw {}={}", name, on->client.text()));
    return request(on, bytes, end);
}

exchange_handle staged::fetch(const exchange_handle& client, const std::string& fields, connection_handle on) {
    if (!on) on = origin_connection();
    const auto& m = client->request->message;
    auto own = text_of(m.fields, {"Connection", "Keep-Alive", "If-None-Match", "If-Modified-Since"});
    return request(on, fmt::format("{} {} HTTP/1.1\r\n{}{}\r\n{}", m.method, m.target, own, fields, m.content_start));
}

void staged::answer_raw(const exchange_handle& e, const std::string& bytes, ending end) {
    auto on = *std::ranges::find(connections_, e->on.get(), &connection_handle::get);
    e->response = seen(bytes, http::direction::response, e->request ? e->request->message.method : "GET", end);
    if (auto serial = e->response->message.field(capture::serial_field)) e->serial = *serial;
    on->response_bytes += bytes.size();
    on->last = e->response->last;
    if (end == ending::fin) server_closes(on);
    if (end == ending::reset) on->server_rst = on->last = frame();
}

void staged::answer(const exchange_handle& e, int status, const std::string& body, const std::string& fields) {
    auto serial = e->on->leg == capture::leg::origin ? fmt::format("Badorigin-Serial: s{}\r\n", ++serials_) : std::string{};
    auto length = status == 304 || status == 204 ? std::string{} : fmt::format("Content-Length: {}\r\n", body.size());
    answer_raw(e, fmt::format("HTTP/1.1 {} X\r\n{}{}{}\r\n{}", status, serial, fields, length, body));
}

void staged::deliver(const exchange_handle& client, const exchange_handle& origin, std::optional<int> age, const std::string& fields) {
    const auto& m = origin->response->message;
    auto own = text_of(m.fields, {"Connection", "Keep-Alive", "Age", "Content-Length", "Transfer-Encoding"});
    auto aged = age ? fmt::format("Age: {}\r\n", *age) : std::string{};
    answer_raw(client, fmt::format("HTTP/1.1 {} X\r\n{}{}{}Content-Length: {}\r\n\r\n{}", m.status, own, aged, fields, m.content_size,
                                   m.content_start));
}

exchange_handle staged::fetched(const std::string& name, const std::string& target, const std::string& body, const std::string& fields) {
    auto client = step(name, "GET", target);
    auto origin = fetch(client);
    answer(origin, 200, body, fields);
    deliver(client, origin, 0);
    return origin;
}

scenario::client_act& staged::act(const std::string& name) {
    for (auto& s : scenario.steps)
        for (auto& a : s.clients)
            if (a.name == name) return a;
    scenario::step s;
    s.name = name;
    s.clients.emplace_back();
    s.clients.back().name = name;
    scenario.steps.push_back(std::move(s));
    return scenario.steps.back().clients.back();
}
scenario::expectation& staged::expect(const std::string& name) {
    return act(name).expect;
}
scenario::expectation& staged::premise(const std::string& name) {
    return act(name).premise;
}

capture::evidence staged::whole() {
    auto whole = evidence;
    for (const auto& c : connections_) whole.connections.push_back(c);
    std::ranges::stable_sort(exchanges_, {},
                             [](const exchange_handle& e) { return e->request ? e->request->first.number : e->response->first.number; });
    std::uint64_t id = 0;
    for (const auto& e : exchanges_) {
        e->id = ++id;
        whole.exchanges.push_back(e);
    }
    whole.transactions = capture::join(whole.exchanges);
    whole.frames = frames_;
    return whole;
}

judge::verdict staged::judged() {
    return judge::judge(whole(), scenario);
}

outcome staged::outcome_of(const std::string& claim) {
    std::optional<outcome> found;
    for (const auto& f : judged().findings)
        if (f.claim == claim) found = found ? worst(*found, f.outcome) : f.outcome;
    return found.value_or(outcome::error);
}

std::string staged::messages_of(const std::string& claim) {
    std::string all;
    for (const auto& f : judged().findings)
        if (f.claim == claim) all += f.message + "\n";
    return all;
}

staged stale_hit() {
    staged run;
    run.scenario.promises = {{"ttl", 30s}};
    auto origin = run.fetched("miss", "/a", "first", "X-Colour: red\r\n");
    run.at(35s);
    run.deliver(run.step("hit", "GET", "/a"), origin, 35);
    return run;
}

}  // namespace badorigin::judge::test
