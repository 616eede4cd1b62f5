#include "proxy-under-test/cache/origin_fetch.h"

#include <boost/asio/co_spawn.hpp>
#include <fmt/core.h>

#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/gzip.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/planted_damage.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr int max_retries = 4;
constexpr auto mark_lasts = std::chrono::seconds(120);
}  // namespace

origin_fetch::origin_fetch(engine& in, configuration_ptr by, origin_exchange exchange, request_body* body, object_ptr validated,
                           fetch_lead lead)
    : engine_(in),
      configuration_(std::move(by)),
      exchange_(std::move(exchange)),
      body_(body),
      validated_(std::move(validated)),
      lead_(std::move(lead)) {
    ++engine_.fetches;
    ++engine_.fetching;
}

origin_fetch::~origin_fetch() {
    --engine_.fetching;
}

vcl::outcome origin_fetch::policy(vcl::subroutine which) {
    vcl_context context(engine_.environment, *configuration_, exchange_.client, &exchange_);
    exchange_.log->add("VCL_call", vcl::name(which, configuration_->program->version()));
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
    const auto decided = policy(vcl::subroutine::backend_fetch);
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
    const auto decided = policy(vcl::subroutine::backend_response);
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
    x.log->add("Timestamp", "Beresp");
    x.log->add("BerespStatus", std::to_string(x.response.status));
    x.log->add_fields("BerespHeader", x.response.fields);
    remove_hop_by_hop(x.response.fields);
    if (!x.response.fields.has("Date")) x.response.fields.append("Date", http_date(x.received));
    x.origin_time = x.received - (engine_.by_rfc ? initial_age(x.response, x.requested, x.received) : upstream_age(x.response));
    take_lifetime();
    x.uncacheable = x.passed;
    x.was_304 = false;
    x.content.clear();
}

void origin_fetch::take_lifetime() {
    auto& x = exchange_;
    x.said = engine_.by_rfc ? rfc_lifetime(x.response, x.original, x.received) : varnish_lifetime(x.response, x.received);
    x.ttl = x.said.ttl;
    x.grace = x.said.grace;
    x.keep = x.said.keep;
    if (x.said.heuristic)
        x.log->add("Debug", fmt::format("heuristic freshness {} s", std::chrono::floor<std::chrono::seconds>(x.ttl).count()));
}

/// RFC 9110 15.4.5: a 304 answers a condition. Ours names a stored response; a passed one is the client's own.
std::optional<std::string> origin_fetch::not_modified_refused() const {
    const auto& x = exchange_;
    if (x.response.status != 304) return std::nullopt;
    const bool asked = x.request.fields.has("If-None-Match") || x.request.fields.has("If-Modified-Since");
    if (!asked || (!validated_ && !x.passed)) {  // a policy's own condition names nothing that is stored
        if (planted(bug::crash_on_unsolicited_304)) std::abort();
        if (planted(bug::pass_unsolicited_304)) return std::nullopt;
        return "304 to a request without condition";
    }
    if (!validated_) return std::nullopt;
    const auto* tag = x.response.fields.find("ETag");
    const auto* stored = validated_->head.fields.find("ETag");
    if (tag && stored && !same_entity_tag(*tag, *stored) && !planted(bug::accept_stale_304))
        return "304 for another entity tag than the stored one";
    return std::nullopt;
}

/// RFC 9111 3.2: the stored fields, replaced by what the 304 brought, but for those that describe the stored content.
void origin_fetch::merge_validated() {
    auto& x = exchange_;
    auto merged = validated_->head;
    update_stored_fields(merged.fields, x.response.fields);
    x.response = std::move(merged);
    x.response.status = validated_->head.status;
    x.was_304 = true;
    x.content = validated_->content;
    parts_ = validated_->parts;
    gzipped_here_ = validated_->gzipped_here;
    take_lifetime();
    let_go(reader_->complete());
}

/// What has come goes to the content.
std::optional<std::string> origin_fetch::take_input() {
    auto& input = (*lease_)->input;
    if (input.empty() || reader_->complete()) return std::nullopt;
    auto put = reader_->put(input);
    auto& content = growing_ ? result_->content : exchange_.content;
    content += reader_->take_content();
    if (growing_) {
        engine_.objects.grew(result_);
        growing_->moved();
    }
    if (!put) return put.error();
    const bool goes_through = growing_ && growing_->held_back;  // no more of it is held than is on its way
    if (!goes_through && content.size() > engine_.most.response) return "a response of more bytes than --largest-response allows";
    return std::nullopt;
}

awaitable<origin_fetch::state> origin_fetch::read_body() {
    auto& reader = *reader_;
    auto failure = take_input();
    const bool too_large = reader.content_length().value_or(0) > engine_.most.response;
    if (!failure && !reader.complete() && may_stream()) {
        if (too_large) exchange_.uncacheable = true;  // it goes through
        publish();
        growing_ = result_->growing = std::make_shared<body_growth>();
        growing_->length = reader.content_length();
        growing_->held_back = result_->passed;
        hand_over();
    } else if (too_large) {
        failure = "a response of more bytes than --largest-response allows";
    }
    while (!reader.complete() && !failure) {
        const bool wanted = co_await keep_pace();
        if (!wanted) {
            failure = "the client went away";
            break;
        }
        const auto got = co_await (*lease_)->read(between_bytes_timeout_);
        switch (got) {
            case io::ok:
                failure = take_input();
                break;
            case io::eof:
                if (auto ended = reader.end(); !ended) failure = ended.error();
                break;
            case io::timed_out:
                failure = "between bytes timeout";
                break;
            case io::interrupted:
            case io::failed:
                failure = "connection reset in the body";
                break;
        }
    }
    if (failure && !exchange_.passed && planted(bug::store_truncated)) failure.reset();
    if (failure && exchange_.passed && planted(bug::pass_truncated_as_complete)) failure.reset();
    if (failure) exchange_.log->add("FetchError", *failure);
    const auto size = growing_ ? growing_->dropped + result_->content.size() : exchange_.content.size();
    if (!failure) exchange_.log->add("Fetch_Body", std::to_string(size));
    if (growing_) end_stream(failure.has_value());
    if (failure && growing_) {
        fail(*failure);
        co_return state::done;
    }
    if (failure) co_return fail(*failure);
    let_go(reader.complete());
    if (growing_) co_return state::done;
    if (auto wrong = transform()) {
        exchange_.log->add("FetchError", *wrong);
        co_return fail(*wrong);
    }
    co_return state::store;
}

/// beresp.do_gunzip, do_esi, do_gzip, in this order, on the whole content.
std::optional<std::string> origin_fetch::transform() {
    auto& x = exchange_;
    auto& fields = x.response.fields;
    const bool plain = !fields.has("Content-Encoding");
    const bool is_gzip = same_name(fields.value("Content-Encoding"), "gzip");
    if (x.request.method == "HEAD" || x.response.status == 206) return std::nullopt;
    const auto recoded = [&](bool to_gzip) {
        if (to_gzip) fields.set("Content-Encoding", "gzip");
        if (!to_gzip) fields.remove("Content-Encoding");
        const auto* tag = fields.find("ETag");  // other bytes: the tag may say no more than that they mean the same
        if (tag && !tag->starts_with("W/")) fields.set("ETag", "W/" + *tag);
    };
    if (is_gzip && (x.do_gunzip || x.do_esi)) {
        auto opened = gunzipped(x.content, engine_.most.response);
        if (!opened) return opened.error();
        x.content = std::move(*opened);
        recoded(false);
    } else if (!plain && x.do_esi) {
        return "ESI: a content coding that is not known here";
    }
    if (x.do_esi && !planted(bug::ignore_esi)) {
        auto parsed = parse_esi(x.content);
        if (!parsed) return "ESI: " + parsed.error();
        parts_ = std::move(*parsed);
    } else if (x.do_gzip && plain && !fields.has_element("Cache-Control", "no-transform")) {
        x.content = gzipped(x.content);
        recoded(true);
        if (!fields.has_element("Vary", "Accept-Encoding")) fields.append("Vary", "Accept-Encoding");
        gzipped_here_ = true;
    }
    return std::nullopt;
}

/// Nobody waits for a refresh in the background, and until it is whole the stale response is better.
bool origin_fetch::may_stream() const {
    if (planted(bug::store_truncated) || planted(bug::pass_truncated_as_complete)) return false;
    const auto& x = exchange_;
    return x.do_stream && !x.background && !x.do_esi && !x.do_gzip && !x.do_gunzip;
}

/// A content that is delivered to one client is not read faster than that one takes it. False: it takes no more.
awaitable<bool> origin_fetch::keep_pace() {
    constexpr std::size_t enough = 1024 * 1024;
    while (growing_ && growing_->held_back && !growing_->unread && result_->content.size() > enough)
        co_await until_woken([this](auto wake) { growing_->wait(wake); });
    co_return !growing_ || !growing_->held_back || !growing_->unread;
}

void origin_fetch::end_stream(bool broken) {
    growing_->broken = broken;
    growing_->ended = true;
    if (broken) engine_.objects.discard(result_);
    if (!broken && growing_->dropped == 0) result_->growing.reset();
    growing_->moved();
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
    x.response = {.status = error_status_, .reason = error_reason_, .version = 11, .fields = {}};
    x.response.fields.append("Date", http_date(x.received));
    x.response.fields.append("Server", "badorigin-cache");
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
    const auto before = std::exchange(exchange_.xid, engine_.next_xid());
    exchange_.log->add("Link", fmt::format("bereq {} retry", exchange_.xid));
    exchange_.log->end();
    exchange_.log = std::make_shared<transaction_log>(engine_.log, exchange_.xid, fmt::format("bereq {} retry", before));
    exchange_.synthetic = false;
    exchange_.content.clear();
    error_status_ = 503;
    error_reason_ = "Backend fetch failed";
    return state::start;
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
    if (!engine_.origins.give_back(std::move(lease_), clean)) exchange_.log->add("BackendClose", name);
}

bool origin_fetch::may_be_used_again() const {
    if (!reader_ || body_abandoned_ || !(*lease_)->input.empty() || reader_->body() == framing::until_close) return false;
    return persists(reader_->response().version, reader_->response().fields);
}

/// Makes the result, and stores it or that it cannot be.
void origin_fetch::publish() {
    auto& x = exchange_;
    if (!x.synthetic && !x.passed && x.response.fields.has_element("Cache-Control", "private") && planted(bug::store_private)) {
        x.uncacheable = false;
        x.ttl = mark_lasts;
    }
    x.log->add("Length", std::to_string(x.content.size()));
    result_ = make_object();
    ended_ = {fetch_end::what::not_shared, nullptr};
    if (x.synthetic) ended_ = {fetch_end::what::failed, result_};
    if (x.no_store) result_->passed = true;
    if (x.passed || x.no_store) return;
    if (x.was_304 && planted(bug::no_update_on_validation)) {
        result_ = validated_;
        ended_ = {fetch_end::what::stored, nullptr};
        return;
    }
    if (!x.uncacheable) {
        result_->passed = x.ttl + x.grace + x.keep <= nanoseconds{0} || !engine_.objects.insert(result_, x.request);
        const bool of_use = result_->ttl_left(engine_.now()) + result_->grace > nanoseconds{0};  // to who waited
        if (!result_->passed && of_use) ended_ = {fetch_end::what::stored, nullptr};
        return;
    }
    result_->passed = true;
    auto marker = make_object();
    marker->is = to_be_marked_pass_ ? stored_object::role::hit_for_pass : stored_object::role::hit_for_miss;
    marker->grace = marker->keep = nanoseconds{0};
    if (to_be_marked_pass_ && marker->ttl <= nanoseconds{0}) marker->ttl = mark_lasts;
    if (marker->ttl > nanoseconds{0} && engine_.objects.insert(marker, x.request)) ended_ = {fetch_end::what::stored, nullptr};
}

/// The content so far goes into it.
object_ptr origin_fetch::make_object() {
    auto& x = exchange_;
    auto made = std::make_shared<stored_object>();
    made->fetch_id = x.xid;
    made->key = x.key;
    made->head = x.response;
    made->content = std::exchange(x.content, {});
    made->parts = std::exchange(parts_, {});
    made->gzipped_here = gzipped_here_;
    made->synthetic = x.synthetic;
    made->passed = x.passed;
    made->has_content = x.synthetic || x.request.method != "HEAD";
    made->origin_time = x.origin_time;
    made->received = x.received;
    made->ttl = x.ttl;
    made->grace = x.grace;
    made->keep = x.keep;
    made->stale_if_error = x.said.stale_if_error;
    made->must_revalidate = x.said.must_revalidate;
    made->backend = x.used_name;
    made->storage = x.storage;
    return made;
}

}  // namespace badorigin::cache
