// One attempt of a fetch: a connection, the request with its body out, the response's head in.
//
// The body streams while the client still sends it, so an origin may answer before it has it all. That is watched for: an interim
// answer is read over and the body goes on; a final one ends the sending, and neither connection is used again (RFC 9112 9.3, 9.6).
#include <fmt/core.h>

#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/planted_damage.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr auto default_connect_timeout = std::chrono::milliseconds(3500);
constexpr auto default_wait = std::chrono::seconds(60);
constexpr int most_interim = 32;  ///< responses before the final one; also all within the first byte timeout

template <class T>
T first_of(std::initializer_list<std::optional<T>> choices, T otherwise) {
    for (const auto& each : choices) {
        if (each) return *each;
    }
    return otherwise;
}

/// Whatever the policy has made of the fields that frame the body: by them the origin finds where the next request begins.
void frame(field_list& fields, const request_body* body) {
    if (!body || !body->present()) return;
    if (body->chunked()) {
        if (!fields.has("Transfer-Encoding")) fields.set("Transfer-Encoding", "chunked");
    } else if (const auto length = std::to_string(body->length().value_or(0)); fields.joined("Content-Length") != length) {
        fields.set("Content-Length", length);
    }
}

/// Stops watching whatever way the attempt ends.
struct watch_guard {
    connection& watched;
    ~watch_guard() {
        if (watched.is_open()) watched.unwatch();
    }
};
}  // namespace

awaitable<origin_fetch::attempt_result> origin_fetch::attempt(bool first, bool only_fresh) {
    auto& x = exchange_;
    attempt_result result;
    reader_.emplace(side::response, x.request.method == "HEAD");
    const auto wanted = x.backend_hint.empty() ? configuration_->backends.default_name() : x.backend_hint;
    const auto chosen = configuration_->backends.resolve(wanted, x.key, engine_.now());
    if (!chosen) {
        result.failure = fmt::format("no backend connection: {} is sick or in saint mode for this request", wanted);
        co_return result;
    }
    x.used = *chosen;
    x.used_name = chosen->to->name();
    const auto& limits = chosen->to->definition;
    const auto connect_timeout = first_of({x.connect_timeout, limits.connect_timeout}, nanoseconds(default_connect_timeout));
    first_byte_timeout_ = first_of({x.first_byte_timeout, limits.first_byte_timeout}, nanoseconds(default_wait));
    if (planted(bug::wait_without_end)) first_byte_timeout_ = std::chrono::hours(24);
    between_bytes_timeout_ = first_of({x.between_bytes_timeout, limits.between_bytes_timeout}, nanoseconds(default_wait));
    auto leased = co_await engine_.origins.lease(configuration_, *chosen->to, only_fresh, connect_timeout);
    if (!leased) {
        result.failure = "no backend connection: " + leased.error();
        co_return result;
    }
    lease_ = std::move(*leased);
    result.reused = lease_->reused();
    if (!result.reused) x.log->stamp("Connected");
    lease_->tell_of(*x.log);

    const bool omit_body = (result.reused && planted(bug::body_lost_on_reused_connection)) ||
                           (!result.reused && planted(bug::body_lost_on_fresh_connection)) || (!first && planted(bug::body_lost_on_retry));
    co_return co_await exchange_heads(std::move(result), omit_body, first);
}

awaitable<origin_fetch::attempt_result> origin_fetch::exchange_heads(attempt_result result, bool omit_body, bool first) {
    auto& x = exchange_;
    auto head = x.request;
    if (!head.fields.has("Host")) head.fields.set("Host", x.used.to->host());
    frame(head.fields, body_);
    if (!std::exchange(head_told_, true)) x.log->add_changes("Bereq", x.request.fields, head.fields);

    auto pending = to_wire(head);
    if (!result.reused) pending.insert(0, x.used.to->greeting(x.ends.as_header()));
    sent_from_ = (*lease_)->sent;
    sent_head_ = pending.size();
    x.requested = engine_.now();
    bool body_done = !body_ || !body_->present() || omit_body, early = false;
    held_back_.clear();
    body_abandoned_ = timed_out_ = false;
    const auto ended = [&](std::string why) {
        result.closed_unanswered = reader_->untouched() && (*lease_)->input.empty() && !timed_out_;
        result.failure = std::move(why);
        return result;
    };
    int interim = 0;
    while (!pending.empty() || !body_done) {
        if (!body_done) {
            (*lease_)->watch([&early, this] {
                early = true;
                (*lease_)->interrupt();
                body_->interrupt();
            });
        }
        const watch_guard guard{**lease_};
        const auto sent = co_await send_some(pending, body_done, early, first);
        if (early) {
            auto failure = co_await read_head(engine_.now() + first_byte_timeout_);
            if (failure) co_return ended(std::move(*failure));
            if (reader_->response().status >= 200) {
                body_abandoned_ = !body_done || !pending.empty();
                co_return result;
            }
            if (++interim > most_interim) co_return ended("too many interim responses");
            co_await pass_interim();
            reader_.emplace(side::response, x.request.method == "HEAD");
            early = false;
            continue;
        }
        if (body_ && body_->broken()) co_return ended("req.body read error");
        timed_out_ = sent == io::timed_out;
        if (timed_out_) co_return ended("timeout while sending the request");
        if (sent != io::ok && sent != io::interrupted) break;  // closed by the origin; it may have answered before
    }
    x.log->stamp("Bereq");
    for (const auto until = engine_.now() + first_byte_timeout_;;) {
        auto failure = co_await read_head(until);
        if (failure) co_return ended(std::move(*failure));
        const auto status = reader_->response().status;
        if (status == 101) co_return ended("101 to a request that asked for no upgrade");
        if (status >= 200) break;
        if (++interim > most_interim) co_return ended("too many interim responses");
        co_await pass_interim();
        reader_.emplace(side::response, x.request.method == "HEAD");
    }
    body_abandoned_ = !body_done || !pending.empty();
    co_return result;
}

/// Sends `pending` and what the body has, until all is sent, the origin answers (`early`), or something fails.
awaitable<io> origin_fetch::send_some(std::string& pending, bool& body_done, const bool& early, bool first) {
    auto& origin = **lease_;
    for (;;) {
        if (early) co_return io::interrupted;
        if (!pending.empty() && (body_done || pending.size() > 64 * 1024 || !body_->ready())) {
            const auto written = co_await origin.write(pending, default_wait);
            if (written != io::ok) co_return written;
        }
        if (body_done) co_return io::ok;
        std::string content;
        const auto got = co_await body_->next(content);
        if (got == request_body::piece::interrupted || got == request_body::piece::broken) co_return io::interrupted;
        if (got == request_body::piece::end) {
            body_done = true;
            if (body_->chunked()) pending += last_chunk(body_->trailers());
            continue;
        }
        if (!first && planted(bug::retry_with_half_the_body)) content.resize(content.size() / 2);
        if (planted(bug::truncate_client_body)) {
            content.insert(0, held_back_);
            held_back_ = content.back();
            content.pop_back();
        }
        if (!content.empty()) pending += body_->chunked() ? as_chunk(content) : content;
    }
}

/// 100 (Continue) is between the cache and its origin; the others are the client's (RFC 9110 15.2).
awaitable<void> origin_fetch::pass_interim() {
    auto head = reader_->response();
    if (!client_ || head.status == 100 || head.status == 101) co_return;
    remove_hop_by_hop(head.fields);
    head.version = 11;
    const auto wire = to_wire(head);
    const auto put = co_await client_->write(wire, {}, default_wait);
    if (put != io::ok) client_ = nullptr;  // who is not there hears nothing; the fetch finds out by itself
}

/// Until the head is there, which must begin before `until`. The failure, or nothing.
awaitable<std::optional<std::string>> origin_fetch::read_head(nanoseconds until) {
    auto& origin = **lease_;
    auto& reader = *reader_;
    std::optional<cpu_burner> burner;
    std::optional<std::string> failure;
    while (!failure) {
        if (!origin.input.empty()) {
            if (auto put = reader.put(origin.input, true); !put) {
                failure = "malformed response: " + put.error();
                break;
            }
        }
        if (reader.head_complete()) co_return std::nullopt;
        if (!burner && planted(bug::spin_on_stalled_origin)) burner.emplace();
        const bool waiting_for_first = reader.untouched();
        switch (co_await origin.read(waiting_for_first ? until - engine_.now() : between_bytes_timeout_)) {
            case io::ok:
                break;
            case io::eof:
                if (auto end = reader.end(); !end) failure = end.error();
                break;
            case io::timed_out:
                timed_out_ = true;
                co_return waiting_for_first ? "first byte timeout" : "between bytes timeout in the head";
            case io::interrupted:
            case io::failed:
                co_return "connection reset";
        }
    }
    if ((!reader.untouched() || !origin.input.empty()) && planted(bug::hang_on_headerless)) {
        co_await sleep_until(engine_.time, engine_.now() + first_byte_timeout_);
    }
    co_return failure;
}

}  // namespace badorigin::cache
