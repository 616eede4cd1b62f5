// The content of an origin's response: read whole, or delivered while it comes; then transformed as the policy wants it.
#include "proxy-under-test/cache/gzip.h"
#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
/// As Fetch_Body has it.
const char* framing_text(framing how) {
    switch (how) {
        case framing::none:
            return "0 none";
        case framing::chunked:
            return "2 chunked";
        case framing::sized:
            return "3 length";
        case framing::until_close:
            break;
    }
    return "4 eof";
}
}  // namespace

/// What has come goes to the content.
std::optional<std::string> origin_fetch::take_input() {
    auto& input = (*lease_)->input;
    if (input.empty() || reader_->complete()) return std::nullopt;
    auto put = reader_->put(input);
    auto& content = growing_ ? result_->content : exchange_.content;
    content += reader_->take_content();
    // Of a part they would be told to who gets another.
    if (const auto& came = reader_->trailers(); !came.empty() && exchange_.response.status != 206 && !exchange_.completes)
        (growing_ ? result_->trailers : exchange_.trailers) = came;
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
        growing_->announced = announced_trailers(reader.response().fields);
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
    if (failure) {
        exchange_.log->add("FetchError", *failure);
        // What broke off, not what was malformed: then nothing of it is to be believed.
        const bool broke_off = reader.body() == framing::sized && (!growing_ || growing_->dropped == 0);
        if (broke_off) keep_beginning(growing_ ? result_->content : exchange_.content, *reader.content_length());
    }
    const auto size = growing_ ? growing_->dropped + result_->content.size() : exchange_.content.size();
    if (!failure) {
        exchange_.log->stamp("BerespBody");
        exchange_.log->tell("Fetch_Body", "{} {}", framing_text(reader.body()), growing_ ? "stream" : "-");
        exchange_.log->tell("Length", "{}", size);
    }
    if (growing_) end_stream(failure.has_value());
    if (failure && growing_) {
        fail(*failure);
        co_return state::done;
    }
    if (failure) co_return fail(*failure);
    let_go(reader.complete());
    if (growing_) co_return state::done;
    if (exchange_.completes && !complete_from_rest()) {
        exchange_.log->add("FetchError", "the rest is not all that is missing");
        co_return fail("the rest is not all that is missing");
    }
    if (auto wrong = transform()) {
        if (planted(bug::crash_on_bad_page)) std::abort();
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
    if (planted(bug::merge_trailers)) {
        for (const auto& [name, value] : x.trailers) fields.append(name, value);
    }
    if (x.request.method == "HEAD" || x.response.status == 206) return std::nullopt;
    if (x.do_esi || x.do_gzip || x.do_gunzip) x.trailers = {};  // they may be of the very bytes, as a digest is
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
    if (planted(bug::store_truncated) || planted(bug::pass_truncated_as_complete) || planted(bug::merge_trailers)) return false;
    const auto& x = exchange_;
    return x.do_stream && !x.completes && x.response.status != 206 && !x.background && !x.do_esi && !x.do_gzip && !x.do_gunzip;
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

}  // namespace badorigin::cache
