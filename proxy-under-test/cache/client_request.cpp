#include "proxy-under-test/cache/client_request.h"

#include <algorithm>

#include <fmt/core.h>

#include "proxy-under-test/cache/forwarding.h"
#include "proxy-under-test/cache/invalidation.h"
#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

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
    auto& came = reader.request();
    x.has_body = body_.present();
    x.body_length = body_.length();
    x.log = log_of("req", x.xid, page ? page->exchange_.xid : x.ends.session_id, page ? "esi" : "rxreq");
    x.log->stamp("Start");
    x.log->stamp("Req");
    x.log->tell("ReqStart", "{} {} a0", x.ends.client_ip, x.ends.client_port);
    x.log->add_head("Req", came);
    x.log->add("VCL_use", configuration_->name);
    const auto before = x.log->wanted() ? came : request_head{};
    x.request = std::move(came);
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
    if (x.request.target != before.target) x.log->add("ReqURL", x.request.target);
    x.log->add_changes("Req", before.fields, x.request.fields);
}

std::shared_ptr<transaction_log> client_request::log_of(std::string_view kind, std::uint64_t number, std::uint64_t parent,
                                                        std::string_view why) {
    return std::make_shared<transaction_log>(engine_.log, engine_.time, number, kind, parent, why);
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
    account();
    exchange_.log->end();
    if (ended_ == end::keep && !co_await body_.discard()) ended_ = end::close;
    co_return ended_;
}

vcl::outcome client_request::policy(vcl::subroutine which, origin_exchange* origin) {
    vcl_context context(engine_.environment, *configuration_, &exchange_, origin);
    exchange_.log->called(vcl::name(which, configuration_->program->version()));
    auto outcome = configuration_->program->run(which, context);
    exchange_.log->add("VCL_return", vcl::name(outcome.what));
    return outcome;
}

/// ReqAcct: bytes of head, body and both, of the request and of the response.
void client_request::account() {
    if (page_) return;
    const auto& in = body_.reader();
    const auto head = in.head_bytes(), body = in.body_bytes();
    const auto sent = answer_head_ > 0 ? client_->sent - answered_from_ : 0;
    const auto of_head = std::min(answer_head_, sent);
    exchange_.log->tell("ReqAcct", "{} {} {} {} {} {}", head, body, head + body, of_head, sent - of_head, sent);
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
        x.log->add_head("Resp", x.response);
        co_return co_await send_response(x.synthetic, false, true);
    }
    if (goes_in_circles(x.request.fields)) co_return answer(508, {});
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

awaitable<client_request::state> client_request::miss() {
    auto& x = exchange_;
    auto lead = std::move(lead_);
    auto early = fetches_itself() ? std::optional(origin_request(false, "fetch")) : std::nullopt;
    const auto decided = policy(vcl::subroutine::miss, early ? &*early : nullptr);
    if (decided.what != vcl::action::fetch) co_return decide(decided, state::failed);
    auto exchange = early ? std::move(*early) : origin_request(false, "fetch");
    exchange.backend_hint = x.backend_hint;
    exchange.is_hit_for_miss = x.is_hit_for_miss;
    const auto validated = std::exchange(validated_, nullptr);
    make_conditional(exchange.request, validated);
    if (const auto part = std::exchange(partial_, nullptr); part && !validated) ask_for_rest(exchange, part);
    x.status.fwd = !validated ? "uri-miss" : validated->ttl_left(engine_.now()) > nanoseconds{0} ? "request" : "stale";
    x.object = co_await fetch(std::move(exchange), nullptr, validated, std::move(lead));
    if (!fetch_decided_ && serve_stale_instead()) co_return state::deliver;
    co_return x.object ? state::deliver : brought_nothing();
}

awaitable<client_request::state> client_request::pass() {
    auto& x = exchange_;
    auto early = fetches_itself() ? std::optional(origin_request(true, "pass")) : std::nullopt;
    const auto decided = policy(vcl::subroutine::pass, early ? &*early : nullptr);
    // "pass" is what VCL 3 says for it.
    if (decided.what != vcl::action::fetch && decided.what != vcl::action::pass) co_return decide(decided, state::failed);
    if (!body_.rewind()) co_return answer(503, "Request body was sent already");
    passing_ = true;
    x.status.fwd = is_safe(x.request.method) ? "bypass" : "method";
    auto exchange = early ? std::move(*early) : origin_request(true, "pass");
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
        if (const auto gone = engine_.objects.purge(key_of(target)); gone > 0) x.log->tell("Debug", "invalidated {}", target);
    }
    if (x.request.method != "HEAD" || answer.head.status != 200) return;
    const auto stored = engine_.objects.variant(x.key, x.request.fields);
    if (!stored) return;
    auto renewed = renewed_by_head(*stored, answer, x.request);
    if (!renewed) engine_.objects.purge(x.key);
    if (renewed && !engine_.objects.insert(renewed, x.request)) x.log->add("Error", "no room for the renewed response");
}

awaitable<object_ptr> client_request::fetch(origin_exchange&& exchange, request_body* body, object_ptr validated, fetch_lead lead) {
    exchange_.log->tell("Link", "bereq {} {}", exchange.xid, exchange.passed ? "pass" : "fetch");
    const auto fetching =
        std::make_shared<origin_fetch>(engine_, configuration_, std::move(exchange), body, std::move(validated), std::move(lead));
    if (exchange_.original.version >= 11 && !page_) fetching->tell_of_interim(*client_);
    co_await until_woken([&](auto wake) { fetching->start(wake); });
    exchange_.log->stamp("Fetch");
    if (fetching->body_abandoned()) ended_ = end::close;
    fetch_decided_ = fetching->for_client();
    co_return fetching->result();
}

origin_exchange client_request::origin_request(bool passed, std::string_view why) {
    auto out = forwarded(exchange_, engine_.next_xid(), passed, engine_.now());
    if (fetches_itself()) out.client = &exchange_;
    out.log = log_of("bereq", out.xid, exchange_.xid, why);
    return out;
}

client_request::state client_request::purge() {
    const auto gone = engine_.objects.purge(exchange_.key);
    exchange_.log->tell("Debug", "purged {}", gone);
    return decide(policy(vcl::subroutine::purge), state::failed);
}

/// return (restart): the request as the policy has changed it, from the start.
client_request::state client_request::restart() {
    auto& x = exchange_;
    if (++x.restarts > max_restarts || planted(bug::no_restart)) {
        x.log->add("VCL_Error", "Too many restarts");
        return answer(503, "Service Unavailable");
    }
    x.object.reset();
    validated_.reset();  // of the key before
    partial_.reset();
    x.is_hit_for_miss = x.is_hit_for_pass = hit_ = passing_ = false;
    x.status = {};
    const auto before = std::exchange(x.xid, engine_.next_xid());
    x.log->stamp("Restart");
    x.log->tell("Link", "req {} restart", x.xid);
    x.log->end();
    x.log = log_of("req", x.xid, before, "restart");
    x.log->stamp("Start");
    x.log->add_head("Req", x.request);
    return state::recv;
}

}  // namespace badorigin::cache
