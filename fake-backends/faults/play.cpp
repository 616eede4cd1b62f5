// Faults that change how the bytes are delivered and how the connection ends.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fake-backends/faults/draft.h"

namespace badorigin::peers {

namespace {

using namespace std::chrono_literals;

/// A place strictly inside a part of that size, half of it by default, so that a fault "in" a part always leaves something out.
std::size_t inside(std::size_t size, const fault& f) {
    if (size == 0) return 0;
    return static_cast<std::size_t>(std::min<std::uint64_t>(f.after.value_or(size / 2), size - 1));
}

struct cut {
    std::string before, behind;
};

cut cut_header(const draft& d, const fault& f) {
    const auto at = inside(d.head.size(), f);
    return {d.head.substr(0, at), d.head.substr(at) + d.body + d.tail};
}

cut cut_body(const draft& d, const fault& f) {
    const auto at = inside(d.body.size(), f);
    return {d.head + d.body.substr(0, at), d.body.substr(at) + d.tail};
}

void send(wire_program& p, std::string bytes) {
    if (!bytes.empty()) p.actions.emplace_back(act::send{std::move(bytes)});
}

template <typename End>
void on_request(const draft&, const fault&, wire_program& p) {
    p.actions = {act::read_request_header{}, End{}};
}

template <typename End>
void before_response(const draft&, const fault&, wire_program& p) {
    p.actions.emplace_back(End{});
}

template <typename End>
void in_header(const draft& d, const fault& f, wire_program& p) {
    send(p, cut_header(d, f).before);
    p.actions.emplace_back(End{});
}

template <typename End>
void in_body(const draft& d, const fault& f, wire_program& p) {
    send(p, cut_body(d, f).before);
    p.actions.emplace_back(End{});
}

template <typename End>
void after_response(const draft& d, const fault&, wire_program& p) {
    send(p, d.whole());
    p.actions.emplace_back(End{});
}

template <typename End>
void on_reuse(const draft& d, const fault& f, wire_program& p) {
    if (d.reused) return on_request<End>(d, f, p);
    send(p, d.whole());
}

template <typename End>
void early(const draft& d, const fault&, wire_program& p) {
    p.actions = {act::read_request_header{}};
    if (d.script.delay > 0ns) p.actions.emplace_back(act::wait{d.script.delay});
    send(p, d.whole());
    p.actions.emplace_back(End{});
}

void stall_before(const draft& d, const fault& f, wire_program& p) {
    p.actions.emplace_back(act::stall{f.lasts});
    send(p, d.whole());
}

void stall_between(const cut& parts, const fault& f, wire_program& p) {
    send(p, parts.before);
    p.actions.emplace_back(act::stall{f.lasts});
    send(p, parts.behind);
}
void stall_header(const draft& d, const fault& f, wire_program& p) {
    stall_between(cut_header(d, f), f, p);
}
void stall_body(const draft& d, const fault& f, wire_program& p) {
    stall_between(cut_body(d, f), f, p);
}

void never_read(const draft& d, const fault& f, wire_program& p) {
    p.actions = {act::read_request_header{}, act::stop_reading{}, act::stall{f.lasts}, act::resume_reading{}, act::read_request_body{}};
    send(p, d.whole());
}

act::drip drip(std::string bytes, const fault& f) {
    return {std::move(bytes), static_cast<std::size_t>(std::max<std::uint64_t>(f.size.value_or(1), 1)), f.every.value_or(100ms)};
}
void drip_header(const draft& d, const fault& f, wire_program& p) {
    p.actions.emplace_back(drip(d.head, f));
    send(p, d.body + d.tail);
}
void drip_body(const draft& d, const fault& f, wire_program& p) {
    send(p, d.head);
    p.actions.emplace_back(drip(d.body, f));
    send(p, d.tail);
}

void interim_then_close(const draft&, const fault&, wire_program& p) {
    send(p, interim_bytes(103));
    p.actions.emplace_back(act::close{});
}

void switch_protocols(const draft& d, const fault& f, wire_program& p) {
    send(p, fmt::format("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: badorigin\r\nBadorigin-Serial: {}\r\n\r\n",
                        d.serial));
    p.actions.emplace_back(act::stall{f.lasts});
    p.actions.emplace_back(act::close{});
}

void second_response(const draft& d, const fault&, wire_program& p) {
    draft second = d;
    set_field(second.lines, "Badorigin-Serial", std::string(d.serial) + "-stray");
    second.render();
    send(p, d.whole() + second.whole());
}

/// Cuts inside the data of the first chunk, behind its size line.
void truncated_chunk(const draft& d, const fault& f, wire_program& p) {
    const auto size_line = d.body.find("\r\n");
    const auto data = size_line == std::string::npos ? 0 : size_line + 2;
    const auto first = std::min<std::size_t>(d.content.size(), 4096);
    send(p, d.head + d.body.substr(0, data + inside(first, f)));
    p.actions.emplace_back(act::close{});
}

struct row {
    std::string_view id;
    play_hand hand;
};

constexpr auto hands = std::to_array<row>({
    {"close-on-reuse", on_reuse<act::close>},
    {"reset-on-reuse", on_reuse<act::reset>},
    {"close-on-request", on_request<act::close>},
    {"close-before-response", before_response<act::close>},
    {"reset-on-request", on_request<act::reset>},
    {"reset-before-response", before_response<act::reset>},
    {"stall-before-response", stall_before},
    {"never-read", never_read},
    {"early-response", early<act::close>},
    {"early-response-reset", early<act::reset>},
    {"interim-then-close", interim_then_close},
    {"switch-protocols", switch_protocols},
    {"close-in-header", in_header<act::close>},
    {"reset-in-header", in_header<act::reset>},
    {"stall-in-header", stall_header},
    {"drip-header", drip_header},
    {"close-in-body", in_body<act::close>},
    {"reset-in-body", in_body<act::reset>},
    {"stall-in-body", stall_body},
    {"drip-body", drip_body},
    {"close-after-response", after_response<act::close>},
    {"reset-after-response", after_response<act::reset>},
    {"half-close-after-response", after_response<act::half_close>},
    {"second-response", second_response},
    {"truncated-chunk", truncated_chunk},
});

}  // namespace

play_hand play_of(std::string_view id) {
    const auto found = std::ranges::find(hands, id, &row::id);
    return found == hands.end() ? nullptr : found->hand;
}

}  // namespace badorigin::peers
