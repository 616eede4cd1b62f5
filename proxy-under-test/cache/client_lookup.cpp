// A client request and the store: its key, what is stored for it, waiting for somebody else's fetch of the same.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "proxy-under-test/cache/client_request.h"
#include "proxy-under-test/cache/forwarding.h"
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
        key.append(std::to_string(part.size())).append(":").append(part).append(" ");
    }
    return key;
}
}  // namespace

client_request::state client_request::hash() {
    const auto decided = policy(vcl::subroutine::hash);
    exchange_.key = cache_key(exchange_);
    return decide(decided, after_hash_);
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
        partial_ = std::move(found.partial);
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
                x.log->tell("HitMiss", "{} {:.6f}", found.object->fetch_id, seconds_of(found.object->ttl_left(engine_.now())));
                x.is_hit_for_miss = true;
                co_return state::miss;
            case hit_for_pass:
                x.log->tell("HitPass", "{} {:.6f}", found.object->fetch_id, seconds_of(found.object->ttl_left(engine_.now())));
                x.is_hit_for_pass = true;
                co_return state::pass;
            case busy:
                break;
        }
        x.log->add("Debug", "on waiting list");
        x.status.collapsed = true;
        const auto ended = co_await wait_for_fetch(give_up);
        x.log->stamp("Waitinglist");
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
    log_hit("stale-if-error");
    return hit_ = true;
}

/// Hit "FETCH TTL GRACE KEEP".
void client_request::log_hit(std::string_view why) const {
    const auto& o = *exchange_.object;
    exchange_.log->tell("Hit", "{} {:.6f} {:.6f} {:.6f}{}{}", o.fetch_id, seconds_of(o.ttl_left(engine_.now())), seconds_of(o.grace),
                        seconds_of(o.keep), why.empty() ? "" : " ", why);
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
    log_hit("");
    auto refresh = std::move(lead_);
    const auto decided = policy(vcl::subroutine::hit);
    if (decided.what == vcl::action::deliver) {
        if (refresh && !may_refresh() && planted(bug::refresh_in_front)) {
            lead_ = std::move(refresh);
            co_return state::miss;
        }
        if (refresh) refresh_in_background(object, std::move(refresh));
        hit_ = true;
        co_return state::deliver;
    }
    x.object.reset();
    co_return decide(decided, state::failed);
}

bool client_request::may_refresh() const {
    return engine_.refreshing < engine_.most.refreshes;
}

/// The client has its answer; the origin is asked by a fetch of its own, or not at all (R2.14): a later hit may find room for that.
void client_request::refresh_in_background(const object_ptr& stale, fetch_lead lead) {
    if (!may_refresh()) {
        ++engine_.not_refreshed;
        exchange_.log->add("Error", "Too many refreshes under way");
        return;
    }
    auto exchange = origin_request(false, "bgfetch");
    exchange.background = true;
    exchange.client = nullptr;  // the request will be gone
    const auto validated = stale->has_validator() ? stale : nullptr;
    make_conditional(exchange.request, validated);
    exchange_.log->tell("Link", "bereq {} bgfetch", exchange.xid);
    std::make_shared<origin_fetch>(engine_, configuration_, std::move(exchange), nullptr, validated, std::move(lead))->start({});
}

}  // namespace badorigin::cache
