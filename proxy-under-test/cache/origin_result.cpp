// What a fetch has brought, and what becomes of it in the store: validated, stored, or marked as what cannot be shared.
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
constexpr auto mark_lasts = std::chrono::seconds(120);
}  // namespace

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
    x.trailers = validated_->trailers;
    parts_ = validated_->parts;
    gzipped_here_ = validated_->gzipped_here;
    take_lifetime();
    let_go(reader_->complete());
}

/// Makes the result, and stores it or that it cannot be.
void origin_fetch::publish() {
    auto& x = exchange_;
    if (!x.synthetic && !x.passed && x.response.fields.has_element("Cache-Control", "private") && planted(bug::store_private)) {
        x.uncacheable = false;
        x.ttl = mark_lasts;
    }
    if (x.response.status == 206) keep_range(x.content);
    result_ = make_object();
    ended_ = {fetch_end::what::not_shared, nullptr};
    if (x.synthetic) ended_ = {fetch_end::what::failed, result_};
    if (x.no_store || x.response.status == 206) result_->passed = true;
    if (result_->passed) return;
    if (x.was_304 && planted(bug::no_update_on_validation)) {
        result_ = validated_;
        ended_ = {fetch_end::what::stored, nullptr};
        return;
    }
    if (!x.uncacheable) {
        result_->passed = x.ttl + x.grace + x.keep <= nanoseconds{0} || !engine_.objects.insert(result_, x.request);
        if (!result_->passed) x.log->tell("Storage", "memory {}", x.storage);
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
    made->trailers = std::exchange(x.trailers, {});
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
