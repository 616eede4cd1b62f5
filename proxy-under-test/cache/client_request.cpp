#include "proxy-under-test/cache/client_request.h"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <fmt/core.h>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/forwarding.h"
#include "proxy-under-test/cache/invalidation.h"
#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr int most_rounds = 8;                            ///< of waiting for what then is not for this request
constexpr auto most_waiting = std::chrono::seconds(120);  ///< for another's fetch, whatever that one is allowed to take

std::string cache_key(const client_exchange& of) {
    std::string key;
    for (const auto& part : of.hash_parts) {
        if (planted(bug::ignore_hash_data) && part != of.request.target && part != of.request.fields.value("Host")) continue;
        key += fmt::format("{}:{} ", part.size(), part);
    }
    return key;
}
}  // namespace

client_request::client_request(engine& in, connection_ptr client, message_reader& reader, bool keep_alive, client_request* page)
    : engine_(in),
      configuration_(page ? page->configuration_ : in.active),
      client_(std::move(client)),
      body_(*client_, reader, reader.request().version >= 11 && reader.request().fields.has_element("Expect", "100-continue")),
      keep_alive_(keep_alive),
      page_(page) {
    auto& x = exchange_;
    x.xid = engine_.next_xid();
    x.session = &client_->limits;
    x.ends = client_->ends;
    x.started = engine_.now();
    x.request = reader.request();
    x.has_body = body_.present();
    x.body_length = body_.length();
    x.log = std::make_shared<transaction_log>(
        engine_.log, x.xid, page ? fmt::format("req {} esi", page->exchange_.xid) : fmt::format("req {} rxreq", x.ends.session_id));
    if (page) {
        x.esi_level = page->exchange_.esi_level + 1;
        x.top = page->exchange_.top ? page->exchange_.top : &page->exchange_;
    } else {
        take_host_from_target(x.request);
        remove_nominated(x.request.fields);
        name_client(x.request, x.ends.client_ip);
    }
    x.request.fields.remove("Expect");
    x.original = x.request;
    x.log->add("ReqStart", fmt::format("{} {}", x.ends.client_ip, x.ends.client_port));
    x.log->add("ReqMethod", x.request.method);
    x.log->add("ReqURL", x.request.target);
    x.log->add("ReqProtocol", version_text(x.request.version));
    x.log->add_fields("ReqHeader", x.request.fields);
}

awaitable<client_request::end> client_request::run() {
    for (auto at = state::recv; at != state::done;) {
        switch (at) {
            case state::recv:
                at = co_await recv();
                break;
            case state::hash:
                at = hash();
                break;
            case state::lookup:
                at = co_await lookup();
                break;
            case state::hit:
                at = co_await hit();
                break;
            case state::miss:
                at = co_await miss();
                break;
            case state::pass:
                at = co_await pass();
                break;
            case state::pipe:
                at = co_await pipe();
                break;
            case state::purge:
                at = purge();
                break;
            case state::synth:
                at = co_await synth();
                break;
            case state::deliver:
                at = co_await deliver();
                break;
            case state::restart:
                at = restart();
                break;
            case state::failed:
                at = answer(503, "VCL failed");
                break;
            case state::done:
                break;
        }
    }
    exchange_.log->end();
    if (ended_ == end::keep && !co_await body_.discard()) ended_ = end::close;
    co_return ended_;
}

vcl::outcome client_request::policy(vcl::subroutine which, origin_exchange* origin) {
    vcl_context context(engine_.environment, *configuration_, &exchange_, origin);
    exchange_.log->add("VCL_call", vcl::name(which, configuration_->program->version()));
    auto outcome = configuration_->program->run(which, context);
    exchange_.log->add("VCL_return", vcl::name(outcome.what));
    return outcome;
}

/// The actions that mean the same wherever they are allowed.
client_request::state client_request::decide(const vcl::outcome& outcome, state otherwise) {
    switch (outcome.what) {
        case vcl::action::synth:
            return answer(outcome.status, outcome.reason);
        case vcl::action::restart:
            return state::restart;
        case vcl::action::fail:
            return state::failed;
        case vcl::action::pass:
            return state::pass;
        default:
            return otherwise;
    }
}

/// Of a status like 1404 the policy sees all and the client the last three digits; they must be those of a final response.
client_request::state client_request::answer(int status, std::string reason) {
    synth_status_ = status % 1000 >= 200 ? status : 503;
    synth_reason_ = reason.empty() ? std::string(standard_reason(synth_status_ % 1000)) : std::move(reason);
    return state::synth;
}

awaitable<client_request::state> client_request::recv() {
    auto& x = exchange_;
    x.hash_parts.clear();
    if (engine_.by_rfc && x.restarts == 0 && is_last_recipient(x.request)) {
        x.response = itself(x.original, engine_.now(), x.synthetic);
        co_return co_await send_response(x.synthetic, false, true);
    }
    const auto decided = policy(vcl::subroutine::recv);
    if (engine_.by_rfc) x.wishes = client_wishes::of(x.request.fields);
    if (planted(bug::resend_post_after_eof)) x.keep_body.emplace(1024 * 1024);
    const bool piped = decided.what == vcl::action::pipe;  // then the body goes through as it comes
    if (x.keep_body && !piped && !co_await body_.keep(*x.keep_body)) {
        ended_ = end::close;
        if (body_.broken()) {
            ended_ = end::close_at_once;
            co_return state::done;
        }
        co_return answer(503, "Request body is too large to be kept");
    }
    if (decided.what == vcl::action::synth || decided.what == vcl::action::restart || decided.what == vcl::action::fail) {
        co_return decide(decided, state::failed);
    }
    switch (decided.what) {
        case vcl::action::pass:
            after_hash_ = state::pass;
            break;
        case vcl::action::pipe:
            after_hash_ = page_ || planted(bug::ignore_pipe) ? state::pass : state::pipe;  // an include has no connection to give away
            break;
        case vcl::action::purge:
            after_hash_ = state::purge;
            break;
        default:
            // RFC 9111 4.3.2: these two are the origin's to evaluate.
            const bool for_origin = engine_.by_rfc && (x.request.fields.has("If-Match") || x.request.fields.has("If-Unmodified-Since"));
            after_hash_ = for_origin ? state::pass : state::lookup;
    }
    co_return state::hash;
}

client_request::state client_request::hash() {
    const auto decided = policy(vcl::subroutine::hash);
    exchange_.key = cache_key(exchange_);
    return decide(decided, after_hash_);
}

awaitable<client_request::state> client_request::lookup() {
    auto& x = exchange_;
    const auto give_up = engine_.now() + most_waiting;
    bool alone = x.hash_ignore_busy;
    for (int waited = 0;; ++waited) {
        auto found = look_up(waited > 0, alone || waited > most_rounds);
        using enum lookup_result::what;
        const bool answered = found.is == lookup_result::what::hit || found.is == stale;
        if (!answered && x.wishes.only_if_cached) co_return answer(504, "Gateway Timeout");  // RFC 9111 5.2.1.7
        lead_ = std::move(found.lead);
        fallback_ = std::move(found.fallback);
        switch (found.is) {
            case lookup_result::what::hit:
            case stale:
                x.object = found.object;
                if (waited > 0 && planted(bug::mix_up_waiters)) {
                    if (auto other = engine_.objects.newest_other(x.key)) x.object = std::move(other);
                }
                co_return state::hit;
            case lookup_result::what::miss:
                validated_ = found.object;
                co_return state::miss;
            case hit_for_miss:
                x.log->add("HitMiss", std::to_string(found.object->fetch_id));
                x.is_hit_for_miss = true;
                co_return state::miss;
            case hit_for_pass:
                x.log->add("HitPass", std::to_string(found.object->fetch_id));
                x.is_hit_for_pass = true;
                co_return state::pass;
            case busy:
                break;
        }
        x.log->add("Debug", "on waiting list");
        x.status.collapsed = true;
        const auto ended = co_await wait_for_fetch(give_up);
        if (!ended) co_return answer(503, "Waited too long for another's fetch");
        if (ended->is == fetch_end::what::failed) {
            x.object = ended->answer;
            if (serve_stale_instead()) co_return state::deliver;
            co_return x.object ? state::deliver : answer(503, "Service Unavailable");
        }
        alone = alone || ended->is == fetch_end::what::not_shared;
    }
}

/// Who has waited for a response takes it, though it asked for a new one: this one is.
lookup_result client_request::look_up(bool waited, bool alone) const {
    const auto& x = exchange_;
    auto& backends = configuration_->backends;
    const auto& wanted = x.backend_hint.empty() ? backends.default_name() : x.backend_hint;
    return engine_.objects.look_up({.key = x.key,
                                    .request = x.request,
                                    .now = engine_.now(),
                                    .most_grace = x.most_grace,
                                    .most_ttl = x.most_ttl,
                                    .always_miss = x.hash_always_miss,
                                    .never_wait = alone || x.wishes.no_store,
                                    .wishes = waited ? client_wishes{} : x.wishes,
                                    .any_variant = x.hash_ignore_vary,
                                    .refreshes_itself = fetches_itself(),
                                    .origin_healthy = !fetches_itself() || backends.healthy(wanted, x.key, engine_.now())});
}

/// RFC 5861 4: what the lookup found may be served in the place of an error.
bool client_request::serve_stale_instead() {
    auto& x = exchange_;
    static constexpr auto errors = std::to_array({500, 502, 503, 504});
    if (!fallback_ || (x.object && std::ranges::find(errors, x.object->head.status) == errors.end())) return false;
    abandon(x.object);
    x.object = std::exchange(fallback_, nullptr);
    x.log->add("Hit", fmt::format("{} stale-if-error", x.object->fetch_id));
    return hit_ = true;
}

/// How the fetch that somebody else leads ended; none: it has not.
awaitable<std::optional<fetch_end>> client_request::wait_for_fetch(nanoseconds until) {
    const auto place = std::make_shared<waiter>();
    const timer limit(engine_.time, until, [place] {
        if (auto wake = std::exchange(place->wake, nullptr)) wake();
    });
    co_await until_woken([&](auto wake) {
        place->wake = wake;
        engine_.objects.wait(exchange_.key, place);
    });
    co_return std::move(place->ended);
}

awaitable<client_request::state> client_request::hit() {
    auto& x = exchange_;
    const auto object = x.object;
    ++object->hits;
    x.log->add("Hit", std::to_string(object->fetch_id));
    auto refresh = std::move(lead_);
    const auto decided = policy(vcl::subroutine::hit);
    if (decided.what == vcl::action::deliver) {
        if (refresh) refresh_in_background(object, std::move(refresh));
        hit_ = true;
        co_return state::deliver;
    }
    x.object.reset();
    co_return decide(decided, state::failed);
}

/// The client has its answer; the origin is asked by a fetch of its own.
void client_request::refresh_in_background(const object_ptr& stale, fetch_lead lead) {
    auto exchange = origin_request(false);
    exchange.background = true;
    exchange.client = nullptr;  // the request will be gone
    const auto validated = stale->has_validator() ? stale : nullptr;
    make_conditional(exchange.request, validated);
    exchange_.log->add("Link", fmt::format("bereq {} bgfetch", exchange.xid));
    std::make_shared<origin_fetch>(engine_, configuration_, std::move(exchange), nullptr, validated, std::move(lead))->start({});
}

awaitable<client_request::state> client_request::miss() {
    auto& x = exchange_;
    auto lead = std::move(lead_);
    auto early = fetches_itself() ? std::optional(origin_request(false)) : std::nullopt;
    const auto decided = policy(vcl::subroutine::miss, early ? &*early : nullptr);
    if (decided.what != vcl::action::fetch) co_return decide(decided, state::failed);
    auto exchange = early ? std::move(*early) : origin_request(false);
    exchange.backend_hint = x.backend_hint;
    exchange.is_hit_for_miss = x.is_hit_for_miss;
    const auto validated = std::exchange(validated_, nullptr);
    make_conditional(exchange.request, validated);
    x.status.fwd = !validated ? "uri-miss" : validated->ttl_left(engine_.now()) > nanoseconds{0} ? "request" : "stale";
    x.object = co_await fetch(std::move(exchange), nullptr, validated, std::move(lead));
    if (!fetch_decided_ && serve_stale_instead()) co_return state::deliver;
    co_return x.object ? state::deliver : brought_nothing();
}

awaitable<client_request::state> client_request::pass() {
    auto& x = exchange_;
    auto early = fetches_itself() ? std::optional(origin_request(true)) : std::nullopt;
    const auto decided = policy(vcl::subroutine::pass, early ? &*early : nullptr);
    // "pass" is what VCL 3 says for it.
    if (decided.what != vcl::action::fetch && decided.what != vcl::action::pass) co_return decide(decided, state::failed);
    if (!body_.rewind()) co_return answer(503, "Request body was sent already");
    passing_ = true;
    x.status.fwd = is_safe(x.request.method) ? "bypass" : "method";
    auto exchange = early ? std::move(*early) : origin_request(true);
    exchange.backend_hint = x.backend_hint;
    exchange.is_hit_for_pass = x.is_hit_for_pass;
    x.object = co_await fetch(std::move(exchange), &body_, nullptr, {});
    if (body_.broken()) {  // nobody to answer
        abandon(x.object);
        ended_ = end::close_at_once;
        co_return state::done;
    }
    if (x.object && !x.object->synthetic && engine_.by_rfc) note_passed(*x.object);
    co_return x.object ? state::deliver : brought_nothing();
}

client_request::state client_request::brought_nothing() {
    if (const auto decided = std::exchange(fetch_decided_, std::nullopt)) return decide(*decided, state::failed);
    return answer(503, "Service Unavailable");
}

/// What a request that went by the store says about what is stored (RFC 9111 4.3.5, 4.4).
void client_request::note_passed(const stored_object& answer) {
    auto& x = exchange_;
    for (const auto& target : invalidated_targets(x.request, answer.head)) {
        if (const auto gone = engine_.objects.purge(key_of(target)); gone > 0) x.log->add("Debug", "invalidated " + target);
    }
    if (x.request.method != "HEAD" || answer.head.status != 200) return;
    const auto stored = engine_.objects.variant(x.key, x.request.fields);
    if (!stored) return;
    auto renewed = renewed_by_head(*stored, answer, x.request);
    if (!renewed) engine_.objects.purge(x.key);
    if (renewed && !engine_.objects.insert(renewed, x.request)) x.log->add("Error", "no room for the renewed response");
}

/// The key that vcl_hash makes of this request with another target.
std::string client_request::key_of(const std::string& target) {
    auto& x = exchange_;
    if (target == x.request.target) return x.key;
    auto before = std::exchange(x.request.target, target);
    auto parts = std::exchange(x.hash_parts, {});
    vcl_context context(engine_.environment, *configuration_, &x, nullptr);
    configuration_->program->run(vcl::subroutine::hash, context);
    auto key = cache_key(x);
    x.request.target = std::move(before);
    x.hash_parts = std::move(parts);
    return key;
}

awaitable<object_ptr> client_request::fetch(origin_exchange exchange, request_body* body, object_ptr validated, fetch_lead lead) {
    exchange_.log->add("Link", fmt::format("bereq {} {}", exchange.xid, exchange.passed ? "pass" : "fetch"));
    const auto fetching =
        std::make_shared<origin_fetch>(engine_, configuration_, std::move(exchange), body, std::move(validated), std::move(lead));
    if (exchange_.original.version >= 11 && !page_) fetching->tell_of_interim(*client_);
    co_await until_woken([&](auto wake) { fetching->start(wake); });
    if (fetching->body_abandoned()) ended_ = end::close;
    fetch_decided_ = fetching->for_client();
    co_return fetching->result();
}

origin_exchange client_request::origin_request(bool passed) {
    auto out = forwarded(exchange_, engine_.next_xid(), passed, engine_.now());
    if (fetches_itself()) out.client = &exchange_;
    out.log = std::make_shared<transaction_log>(engine_.log, out.xid, fmt::format("bereq {} {}", exchange_.xid, passed ? "pass" : "fetch"));
    return out;
}

client_request::state client_request::purge() {
    const auto gone = engine_.objects.purge(exchange_.key);
    exchange_.log->add("Debug", fmt::format("purged {}", gone));
    return decide(policy(vcl::subroutine::purge), state::failed);
}

/// return (restart): the request as the policy has changed it, from the start.
client_request::state client_request::restart() {
    auto& x = exchange_;
    if (++x.restarts > max_restarts) {
        x.log->add("VCL_Error", "Too many restarts");
        return answer(503, "Service Unavailable");
    }
    x.object.reset();
    validated_.reset();  // of the key before
    x.is_hit_for_miss = x.is_hit_for_pass = hit_ = passing_ = false;
    x.status = {};
    const auto before = std::exchange(x.xid, engine_.next_xid());
    x.log->add("Link", fmt::format("req {} restart", x.xid));
    x.log->end();
    x.log = std::make_shared<transaction_log>(engine_.log, x.xid, fmt::format("req {} restart", before));
    return state::recv;
}

awaitable<client_request::state> client_request::pipe() {
    auto& x = exchange_;
    if (body_.was_read()) co_return answer(503, "Request body was read already");
    ended_ = end::close_at_once;
    auto exchange = origin_request(true);
    exchange.request.fields.set("Connection", "close");
    const auto decided = policy(vcl::subroutine::pipe, &exchange);
    if (decided.what != vcl::action::pipe) {
        ended_ = end::keep;
        co_return decide(decided, state::failed);
    }
    const auto wanted = exchange.backend_hint.empty() ? configuration_->backends.default_name() : exchange.backend_hint;
    const auto chosen = configuration_->backends.resolve(wanted, x.key, engine_.now());
    if (!chosen) co_return answer(503, "Service Unavailable");
    const auto limit = exchange.connect_timeout.value_or(std::chrono::milliseconds(3500));
    auto leased = co_await engine_.origins.lease(configuration_, *chosen->to, true, limit);
    if (!leased) {
        x.log->add("FetchError", "no backend connection: " + leased.error());
        co_return answer(503, "Service Unavailable");
    }
    const auto lease = std::move(*leased);
    if (!exchange.request.fields.has("Host")) exchange.request.fields.set("Host", chosen->to->host());
    auto head = to_wire(exchange.request);
    if (co_await (*lease)->write(head, client_->limits.idle_send) != io::ok) co_return state::done;
    // Expect does not go on, so the origin will not say it.
    if (body_.awaits_permission()) co_await client_->write("HTTP/1.1 100 Continue\r\n\r\n", {}, client_->limits.idle_send);
    co_await tunnel(engine_, client_, (*lease)->shared_from_this());
    co_return state::done;
}

}  // namespace badorigin::cache
