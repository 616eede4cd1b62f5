#include "proxy-under-test/cache/client_request.h"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <fmt/core.h>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/forwarding.h"
#include "proxy-under-test/cache/gzip.h"
#include "proxy-under-test/cache/invalidation.h"
#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr int max_restarts = 4;
constexpr std::size_t most_at_once = 64 * 1024;
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

/// What this one client was to get alone is read no further.
void abandon(object_ptr& object) {
    if (object && object->growing && object->growing->held_back) {
        object->growing->unread = true;
        object->growing->moved();
    }
    object.reset();
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

awaitable<client_request::state> client_request::deliver() {
    auto& x = exchange_;
    const auto object = x.object;
    x.response = response_of(*object, x.xid, hit_, engine_.now());
    if (engine_.tell_status) tell_status(*object);
    const auto decided = policy(vcl::subroutine::deliver);
    if (decided.what != vcl::action::deliver) {
        abandon(x.object);
        hit_ = false;
        co_return decide(decided, state::failed);
    }
    co_return co_await send_response(object->content, !passing_ && !object->synthetic, object->has_content);
}

void client_request::tell_status(const stored_object& object) {
    auto& x = exchange_;
    x.status.hit = hit_;
    x.status.stored = !hit_ && !object.passed;
    if (!hit_) x.status.fwd_status = object.head.status;
    if (!object.passed) x.status.ttl = object.ttl_left(engine_.now());
    const auto before = x.response.fields.joined("Cache-Status");
    x.response.fields.set("Cache-Status", (before.empty() ? "" : before + ", ") + x.status.text());
}

awaitable<client_request::state> client_request::synth() {
    auto& x = exchange_;
    x.object.reset();
    x.synthetic.clear();
    x.response = {.status = synth_status_, .reason = synth_reason_, .version = 11, .fields = {}};
    x.response.fields.append("Date", http_date(engine_.now()));
    x.response.fields.append("Server", "badorigin-cache");
    x.response.fields.append("X-Varnish", std::to_string(x.xid));
    const auto decided = policy(vcl::subroutine::synth);
    // The 503 for too many restarts comes by here as well: a policy that restarts every answer would go round for ever.
    if (decided.what == vcl::action::restart && x.restarts <= max_restarts) co_return state::restart;
    if (decided.what == vcl::action::fail) ended_ = end::close;
    co_return co_await send_response(x.synthetic, planted(bug::range_of_synthesized), true);
}

awaitable<client_request::state> client_request::send_response(std::string_view content, bool conditions, bool has_content) {
    auto& x = exchange_;
    if ((x.response.status %= 1000) < 200) {
        x.log->add("VCL_Error", fmt::format("resp.status {} is not that of a final response", x.response.status));
        x.response.status = 503;
        x.response.reason = standard_reason(503);
    }
    if (page_) co_return co_await hand_to_page(content);
    if (!body_.all_read() && body_.present() && body_.awaits_permission()) ended_ = end::close;
    const bool policy_closes = x.response.fields.has_element("Connection", "close");
    if ((!keep_alive_ || policy_closes) && ended_ == end::keep) ended_ = end::close;
    const bool assembled = x.object && !x.object->parts.empty() && x.esi && x.response.status == 200 && x.request.method != "HEAD";
    if (assembled) co_return co_await send_page(*x.object);
    if (x.object && !x.object->parts.empty() && x.esi && x.request.method == "HEAD") {
        x.response.fields.remove("Content-Length");  // of the page before it is put together
        has_content = false;
    }
    std::string opened;
    if (x.object && x.object->gzipped_here && !accepts_gzip(x.request.fields)) {
        opened = gunzipped(content, engine_.most.response).value_or("");
        content = opened;
        x.response.fields.remove("Content-Encoding");
    }
    const auto growing = x.object ? x.object->growing : nullptr;
    if (growing && !can_be_streamed(*growing)) {
        growing->release();
        while (!growing->ended) co_await until_woken([&](auto wake) { growing->wait(wake); });
        content = x.object->content;
    }
    x.streamed = growing && !growing->ended;
    const auto out = framed(x, x.streamed ? std::string_view() : content, conditions, has_content, ended_ == end::keep);
    x.log->add("RespStatus", std::to_string(x.response.status));
    x.log->add_fields("RespHeader", x.response.fields);
    const bool sent = co_await client_->write(out.head, out.content(), client_->limits.idle_send) == io::ok;
    if (x.streamed) {
        const bool bodiless =
            x.request.method == "HEAD" || x.response.status == 204 || x.response.status == 205 || x.response.status == 304;
        const bool whole = sent && (bodiless || co_await stream(*x.object, *growing));
        growing->unread = true;
        growing->moved();
        if (!whole) ended_ = end::close_at_once;
    }
    if (!sent || (growing && growing->broken)) ended_ = end::close_at_once;
    co_return state::done;
}

/// A page with its includes: in chunks, so that what stands before an include does not wait for it (R2.24).
awaitable<client_request::state> client_request::send_page(stored_object& page) {
    auto& x = exchange_;
    for (const auto name : {"ETag", "Last-Modified", "Content-Length", "Accept-Ranges"}) x.response.fields.remove(name);  // not the page's
    bool whole = true;
    if (x.original.version < 11) {
        collected_.emplace();
        co_await put_parts(page);
        const auto out = framed(x, *collected_, false, true, ended_ == end::keep);
        const auto put = co_await client_->write(out.head, out.content(), client_->limits.idle_send);
        whole = put == io::ok;
    } else {
        if (ended_ != end::keep) x.response.fields.set("Connection", "close");
        x.response.fields.set("Transfer-Encoding", "chunked");
        const auto head = to_wire(x.response);
        const auto begun = co_await client_->write(head, {}, client_->limits.idle_send);
        whole = begun == io::ok && co_await put_parts(page);
        if (whole) {
            const auto put = co_await client_->write("0\r\n\r\n", {}, client_->limits.idle_send);
            whole = put == io::ok;
        }
    }
    x.log->add("RespStatus", std::to_string(x.response.status));
    x.log->add_fields("RespHeader", x.response.fields);
    if (!whole) ended_ = end::close_at_once;
    co_return state::done;
}

/// False: the client takes no more.
awaitable<bool> client_request::put_parts(const stored_object& page) {
    for (const auto& part : page.parts) {
        if (!part.include.empty()) {
            if (exchange_.esi_level < most_esi_levels) co_await include(part);
            continue;
        }
        const bool taken = co_await put(std::string_view(page.content).substr(part.at, part.size));
        if (!taken) co_return false;
    }
    co_return true;
}

/// A request of its own, as the page's was, with another target. What fails, fails alone.
awaitable<void> client_request::include(const esi_part& part) {
    const auto& page = exchange_;
    auto head = page.original;
    std::string_view where = part.include;
    constexpr std::string_view scheme = "http://";
    if (same_name(where.substr(0, scheme.size()), scheme)) {
        head.target = where;
        take_host_from_target(head);
    } else {
        head.target = same_origin_target(where, page.request.target, "").value_or("/");
    }
    head.method = "GET";
    for (const auto name : {"Content-Length", "Transfer-Encoding", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since",
                            "If-Unmodified-Since", "Cache-Control", "Accept-Encoding"}) {
        head.fields.remove(name);
    }
    message_reader reader(side::request);
    auto wire = std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // a request without content, whose head then is this one
    if (!reader.put(wire)) co_return;
    reader.request() = std::move(head);
    client_request child(engine_, client_, reader, true, this);
    child.may_fail_ = part.may_fail;
    co_await child.run();
}

/// Text of the page, or of what it includes, at whatever depth.
awaitable<bool> client_request::put(std::string_view text) {
    if (text.empty()) co_return true;
    if (page_) co_return co_await page_->put(text);
    if (collected_) {
        *collected_ += text;
        co_return true;
    }
    const auto chunk = as_chunk(text);
    const auto put = co_await client_->write(chunk, {}, client_->limits.idle_send);
    co_return put == io::ok;
}

awaitable<client_request::state> client_request::hand_to_page(std::string_view content) {
    auto& x = exchange_;
    x.log->add("RespStatus", std::to_string(x.response.status));
    const auto object = x.object;
    if (const auto growing = object ? object->growing : nullptr) {
        growing->release();
        while (!growing->ended) co_await until_woken([&](auto wake) { growing->wait(wake); });
        if (growing->broken) co_return state::done;
        content = object->content;
    }
    if (x.response.status != 200 && may_fail_) co_return state::done;
    if (object && !object->parts.empty() && x.esi) {
        co_await put_parts(*object);
    } else if (object && object->gzipped_here) {
        const auto opened = gunzipped(content, engine_.most.response).value_or("");
        co_await put(opened);
    } else {
        co_await put(content);
    }
    co_return state::done;
}

/// Not where its end matters: for a range of it, and for a client that could not be told its length.
bool client_request::can_be_streamed(const body_growth& growing) const {
    const auto& x = exchange_;
    return !x.request.fields.has("Range") && (growing.length || x.original.version >= 11);
}

/// The content as it comes. False: it did not come whole, or the client has gone.
awaitable<bool> client_request::stream(stored_object& object, body_growth& growing) {
    const bool chunked = !growing.length;
    for (std::uint64_t sent = 0;;) {
        const auto at = sent - growing.dropped;
        auto piece = object.content.substr(at, most_at_once);
        if (piece.empty() && growing.ended) break;
        if (piece.empty()) {
            co_await until_woken([&](auto wake) { growing.wait(wake); });
            continue;
        }
        sent += piece.size();
        if (growing.held_back) {
            object.content.erase(0, at + piece.size());
            growing.dropped = sent;
            growing.moved();
        }
        if (chunked) piece = as_chunk(piece);
        const auto put = co_await client_->write(piece, client_->limits.idle_send);
        if (put != io::ok) co_return false;
    }
    if (growing.broken || !chunked) co_return !growing.broken;
    const auto put = co_await client_->write("0\r\n\r\n", {}, client_->limits.idle_send);
    co_return put == io::ok;
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
