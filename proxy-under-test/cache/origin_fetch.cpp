#include "proxy-under-test/cache/origin_fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <fmt/core.h>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/planted_damage.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr int max_retries = 4;
}  // namespace

origin_fetch::origin_fetch(engine& in, configuration_ptr by, origin_exchange&& exchange, request_body* body, object_ptr validated,
                           fetch_lead lead)
    : engine_(in),
      configuration_(std::move(by)),
      exchange_(std::move(exchange)),
      body_(body),
      validated_(std::move(validated)),
      lead_(std::move(lead)) {
    ++engine_.fetches;
    ++engine_.fetching;
    if (exchange_.background) ++engine_.refreshing;
}

origin_fetch::~origin_fetch() {
    --engine_.fetching;
    if (exchange_.background) --engine_.refreshing;
}

vcl::outcome origin_fetch::policy(vcl::subroutine which) {
    vcl_context context(engine_.environment, *configuration_, exchange_.client, &exchange_);
    exchange_.log->called(vcl::name(which, configuration_->program->version()));
    auto outcome = configuration_->program->run(which, context);
    exchange_.log->add("VCL_return", vcl::name(outcome.what));
    return outcome;
}

void origin_fetch::start(std::function<void()> have_result) {
    have_result_ = std::move(have_result);
    boost::asio::co_spawn(
        engine_.io, [](std::shared_ptr<origin_fetch> self) -> awaitable<void> { co_await self->run(); }(shared_from_this()), unattended);
}

/// To the client that asked, and to who waited for the same.
void origin_fetch::hand_over() {
    body_ = nullptr;
    exchange_.client = nullptr;
    client_ = nullptr;
    lead_.end(ended_);
    if (auto call = std::exchange(have_result_, nullptr)) call();
}

awaitable<void> origin_fetch::run() {
    for (auto at = state::start; at != state::done;) {
        switch (at) {
            case state::start:
                at = co_await start();
                break;
            case state::send:
                at = co_await send();
                break;
            case state::response:
                at = co_await response();
                break;
            case state::body:
                at = co_await read_body();
                break;
            case state::error:
                at = co_await error();
                break;
            case state::store:
                publish();
                at = state::done;
                break;
            case state::failed:
                let_go(reader_ && reader_->complete());
                at = state::done;
                break;
            case state::done:
                break;
        }
    }
    exchange_.log->end();
    hand_over();
}

/// vcl_backend_fetch.
awaitable<origin_fetch::state> origin_fetch::start() {
    auto& request = exchange_.request;
    request.fields.set("X-Varnish", std::to_string(exchange_.xid));
    exchange_.log->add("VCL_use", configuration_->name);
    exchange_.log->stamp("Start");
    exchange_.log->add_head("Bereq", request);
    exchange_.told = true;
    const auto decided = policy(vcl::subroutine::backend_fetch);
    exchange_.log->stamp("Fetch");
    switch (decided.what) {
        case vcl::action::fetch:
            break;
        case vcl::action::error:
            error_status_ = decided.status > 0 ? decided.status : 503;
            error_reason_ = decided.reason.empty() ? std::string(standard_reason(error_status_)) : decided.reason;
            co_return state::error;
        default:
            co_return state::failed;
    }
    if (exchange_.drop_body) {
        request.fields.remove("Content-Length");
        request.fields.remove("Transfer-Encoding");
        request.fields.remove("Trailer");
        body_ = nullptr;
    }
    co_return state::send;
}

/// As many attempts as are allowed without asking the policy.
awaitable<origin_fetch::state> origin_fetch::send() {
    for (int sent_again = 0;; ++sent_again) {
        const auto result = co_await attempt(sent_again == 0 && exchange_.retries == 0, sent_again > 0);
        if (!result.failure) co_return state::response;
        if (body_ && body_->broken()) {  // the client went away: there is nobody to answer
            exchange_.log->add("FetchError", "req.body read error");
            co_return state::failed;
        }
        exchange_.log->add("FetchError", *result.failure);
        if (!may_send_again(result, sent_again)) co_return fail(*result.failure);
        let_go(false);
        if (body_) body_->rewind();
    }
}

bool origin_fetch::may_send_again(const attempt_result& after, int sent_again) const {
    const auto& method = exchange_.request.method;
    if (method == "GET" && sent_again < 20 && planted(bug::retry_storm)) return true;
    const bool closed_in_our_face = after.reused && after.closed_unanswered && sent_again == 0;
    if (!closed_in_our_face || (body_ && !body_->resendable())) return false;
    return is_idempotent(method) || planted(bug::resend_post_after_eof);
}

/// vcl_backend_response, with the head read and the body not yet.
awaitable<origin_fetch::state> origin_fetch::response() {
    take_response();
    if (auto refused = not_modified_refused()) {
        exchange_.log->add("FetchError", *refused);
        co_return fail(*refused);
    }
    if (exchange_.response.status == 304 && validated_) merge_validated();
    if (exchange_.completes && rest_has_come() == rest::ask_for_the_whole) co_return state::start;
    const auto before = std::tuple(exchange_.ttl, exchange_.grace, exchange_.keep);
    const auto decided = policy(vcl::subroutine::backend_response);
    exchange_.log->stamp("Process");
    if (std::tuple(exchange_.ttl, exchange_.grace, exchange_.keep) != before) tell_lifetime("VCL");
    switch (decided.what) {
        case vcl::action::deliver:
            break;
        case vcl::action::pass:
            to_be_marked_pass_ = true;
            exchange_.uncacheable = true;
            break;
        case vcl::action::retry: {
            const auto next = retry(state::error);
            if (next != state::body) co_return next;
            break;
        }
        case vcl::action::error:
            error_status_ = decided.status > 0 ? decided.status : 503;
            error_reason_ = decided.reason.empty() ? std::string(standard_reason(error_status_)) : decided.reason;
            let_go(reader_->complete());
            co_return state::error;
        case vcl::action::restart:
        case vcl::action::synth:
            for_client_ = decided;
            co_return state::failed;
        default:
            co_return state::failed;
    }
    co_return exchange_.was_304 ? state::store : state::body;
}

void origin_fetch::take_response() {
    auto& x = exchange_;
    x.response = reader_->response();
    x.received = engine_.now();
    x.log->stamp("Beresp");
    x.log->add_head("Beresp", x.response);
    remove_hop_by_hop(x.response.fields);
    const bool dated = x.response.fields.has("Date");
    if (!dated) x.response.fields.append("Date", http_date(x.received));
    x.origin_time = x.received - (engine_.by_rfc ? initial_age(x.response, x.requested, x.received) : upstream_age(x.response));
    take_lifetime();
    if (!dated) x.log->add_field("Beresp", "Header", "Date", x.response.fields.value("Date"));
    x.uncacheable = x.passed;
    x.was_304 = false;
    x.content.clear();
    x.trailers = {};
}

/// TTL "SOURCE TTL GRACE KEEP SINCE", whole seconds; SINCE: when it was new, in seconds since 1970.
void origin_fetch::tell_lifetime(std::string_view source) const {
    const auto whole = [](nanoseconds span) { return std::chrono::floor<std::chrono::seconds>(span).count(); };
    const auto& x = exchange_;
    x.log->tell("TTL", "{} {} {} {} {}", source, whole(x.ttl), whole(x.grace), whole(x.keep), whole(x.origin_time));
}

void origin_fetch::take_lifetime() {
    auto& x = exchange_;
    const bool part = x.response.status == 206;
    if (part && engine_.by_rfc) x.response.status = 200;  // as of the whole that it is a part of
    x.said = engine_.by_rfc ? rfc_lifetime(x.response, x.original, x.received) : varnish_lifetime(x.response, x.received);
    if (part) x.response.status = 206;
    x.ttl = x.said.ttl;
    x.grace = x.said.grace;
    x.keep = x.said.keep;
    tell_lifetime(x.said.heuristic ? "HEURISTIC" : "RFC");
}

/// vcl_backend_error.
awaitable<origin_fetch::state> origin_fetch::error() {
    auto& x = exchange_;
    x.received = x.origin_time = engine_.now();
    x.ttl = x.grace = x.keep = nanoseconds{0};
    x.said = {};
    x.uncacheable = x.passed;
    x.was_304 = false;
    x.synthetic = true;
    x.content.clear();
    x.trailers = {};
    x.response = {.status = error_status_, .reason = error_reason_, .version = 11, .fields = {}};
    x.response.fields.append("Date", http_date(x.received));
    x.response.fields.append("Server", "badorigin-cache");
    x.log->stamp("Error");
    x.log->add_head("Beresp", x.response);
    const auto decided = policy(vcl::subroutine::backend_error);
    if (decided.what == vcl::action::retry) {
        const auto next = retry(state::failed);
        if (next != state::body) co_return next;
    } else if (decided.what != vcl::action::deliver) {
        co_return state::failed;
    }
    co_return state::store;
}

/// return (retry): the same request again, as a new transaction. state::body: go on as if it had not been said. When there have been
/// too many, the policy's error page is next, and from that one nothing.
origin_fetch::state origin_fetch::retry(state when_too_many) {
    if (planted(bug::no_retry)) return state::body;
    let_go(reader_ && reader_->complete());
    if (exchange_.retries >= max_retries) {
        exchange_.log->add("VCL_Error", "Too many retries, delivering 503");
        return when_too_many;
    }
    if (body_ && !body_->rewind()) {
        exchange_.log->add("Error", "Retry not possible, req.body not cached");
        return state::failed;
    }
    ++exchange_.retries;
    begin_again();
    exchange_.synthetic = false;
    exchange_.content.clear();
    error_status_ = 503;
    error_reason_ = "Backend fetch failed";
    return state::start;
}

/// As a transaction of its own.
void origin_fetch::begin_again() {
    const auto before = std::exchange(exchange_.xid, engine_.next_xid());
    exchange_.log->stamp("Retry");
    exchange_.log->tell("Link", "bereq {} retry", exchange_.xid);
    exchange_.log->end();
    exchange_.log = std::make_shared<transaction_log>(engine_.log, engine_.time, exchange_.xid, "bereq", before, "retry");
    head_told_ = false;
}

origin_fetch::state origin_fetch::fail(std::string why) {
    failure_ = std::move(why);
    leave_behind(lease_ ? (*lease_)->descriptor() : -1);
    let_go(false);
    return state::error;
}

/// The connection goes back to the pool if it may, or is closed.
void origin_fetch::let_go(bool whole) {
    if (!lease_) return;
    const auto name = lease_->origin().name();
    const bool clean = whole && may_be_used_again();
    const auto number = (*lease_)->descriptor();
    account();
    const bool kept = engine_.origins.give_back(std::move(lease_), clean);
    if (!kept) exchange_.log->tell("BackendClose", "{} {}", number, name);
}

/// BereqAcct: bytes of head, body and both, of the request and of the response; one an attempt.
void origin_fetch::account() {
    const auto sent = (*lease_)->sent - sent_from_, of_head = std::min(sent_head_, sent);
    const auto head = reader_ ? reader_->head_bytes() : 0, body = reader_ ? reader_->body_bytes() : 0;
    exchange_.log->tell("BereqAcct", "{} {} {} {} {} {}", of_head, sent - of_head, sent, head, body, head + body);
}

bool origin_fetch::may_be_used_again() const {
    if (!reader_ || body_abandoned_ || !(*lease_)->input.empty() || reader_->body() == framing::until_close) return false;
    return persists(reader_->response().version, reader_->response().fields);
}

}  // namespace badorigin::cache
