// How a client request ends: vcl_deliver and vcl_synth, and what then goes on the wire. A response goes as a whole or, while its fetch is
// still under way, as it comes in; a page with ESI includes goes part by part, each include a request of its own whose content is handed to
// the page.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "proxy-under-test/cache/client_request.h"
#include "proxy-under-test/cache/dates.h"
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/forwarding.h"
#include "proxy-under-test/cache/gzip.h"
#include "proxy-under-test/cache/invalidation.h"
#include "proxy-under-test/cache/planted_bugs.h"
#include "proxy-under-test/cache/waiting.h"

namespace badorigin::cache {

namespace {
constexpr std::size_t most_at_once = 64 * 1024;
}  // namespace

awaitable<client_request::state> client_request::deliver() {
    auto& x = exchange_;
    const auto object = x.object;
    x.response = response_of(*object, x.xid, hit_, engine_.now());
    if (engine_.tell_status) tell_status(*object);
    x.log->add_head("Resp", x.response);
    const auto decided = policy(vcl::subroutine::deliver);
    x.log->stamp("Process");
    if (object->partial && decided.what == vcl::action::deliver && !object->has_part_for(x.request)) {
        x.log->add("VCL_Error", "the policy has taken away the Range that the stored part answers");
        co_return answer(503, "Service Unavailable");
    }
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
    x.log->add_head("Resp", x.response);
    const auto decided = policy(vcl::subroutine::synth);
    x.log->stamp("Process");
    // The 503 for too many restarts comes by here as well: a policy that restarts every answer would go round for ever.
    if (decided.what == vcl::action::restart && x.restarts <= max_restarts) co_return state::restart;
    if (decided.what == vcl::action::fail) ended_ = end::close;
    co_return co_await send_response(x.synthetic, planted(bug::range_of_synthesized), true);
}

awaitable<client_request::state> client_request::send_response(std::string_view content, bool conditions, bool has_content) {
    auto& x = exchange_;
    const auto before = x.log->wanted() ? x.response : response_head{};
    if ((x.response.status %= 1000) < 200) {
        x.log->tell("VCL_Error", "resp.status {} is not that of a final response", x.response.status);
        x.response.status = 503;
        x.response.reason = standard_reason(503);
    }
    if (page_) co_return co_await hand_to_page(content);
    if (!body_.all_read() && body_.present() && body_.awaits_permission()) ended_ = end::close;
    const bool policy_closes = x.response.fields.has_element("Connection", "close");
    if ((!keep_alive_ || policy_closes) && ended_ == end::keep) ended_ = end::close;
    const bool assembled = x.object && !x.object->parts.empty() && x.esi && x.response.status == 200 && x.request.method != "HEAD";
    if (assembled) co_return co_await send_page(*x.object, before);
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
    if (growing && growing->broken) {  // and nothing of it has gone out: what has come would look whole
        hit_ = false;
        co_return answer(503, "Backend fetch failed");
    }
    x.streamed = growing && !growing->ended;
    const auto out = framed(x, x.streamed ? std::string_view() : content, conditions, has_content, ended_ == end::keep);
    log_answer(before, out.head.size());
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
    x.log->stamp("Resp");
    co_return state::done;
}

/// What the policy's response has become on the way to the wire, where it begins now.
void client_request::log_answer(const response_head& before, std::size_t head_size) {
    auto& x = exchange_;
    answered_from_ = client_->sent;
    answer_head_ = head_size;
    if (x.response.status != before.status) {
        x.log->tell("RespStatus", "{}", x.response.status);
        x.log->add("RespReason", x.response.reason);
    }
    x.log->add_changes("Resp", before.fields, x.response.fields);
}

/// A page with its includes: in chunks, so that what stands before an include does not wait for it (R2.24).
awaitable<client_request::state> client_request::send_page(stored_object& page, const response_head& before) {
    auto& x = exchange_;
    for (const auto name : {"ETag", "Last-Modified", "Content-Length", "Accept-Ranges"}) x.response.fields.remove(name);  // not the page's
    bool whole = true;
    if (x.original.version < 11 || planted(bug::page_as_a_whole)) {
        collected_.emplace();
        co_await put_parts(page);
        const auto out = framed(x, *collected_, false, true, ended_ == end::keep);
        log_answer(before, out.head.size());
        const auto put = co_await client_->write(out.head, out.content(), client_->limits.idle_send);
        whole = put == io::ok;
    } else {
        if (ended_ != end::keep) x.response.fields.set("Connection", "close");
        x.response.fields.set("Transfer-Encoding", "chunked");
        const auto head = to_wire(x.response);
        log_answer(before, head.size());
        const auto begun = co_await client_->write(head, {}, client_->limits.idle_send);
        whole = begun == io::ok && co_await put_parts(page);
        if (whole) {
            const auto put = co_await client_->write("0\r\n\r\n", {}, client_->limits.idle_send);
            whole = put == io::ok;
        }
    }
    if (!whole) ended_ = end::close_at_once;
    x.log->stamp("Resp");
    co_return state::done;
}

/// False: the client takes no more.
awaitable<bool> client_request::put_parts(const stored_object& page) {
    for (const auto& part : page.parts) {
        if (!part.include.empty()) {
            if (exchange_.esi_level < most_esi_levels * (planted(bug::includes_without_end) ? 10 : 1)) co_await include(part);
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
    child.may_fail_ = part.may_fail && !planted(bug::ignore_onerror);
    page.log->tell("Link", "req {} esi", child.number());
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
    const auto ending = last_chunk(object.trailers);
    const auto put = co_await client_->write(ending, {}, client_->limits.idle_send);
    co_return put == io::ok;
}

}  // namespace badorigin::cache
