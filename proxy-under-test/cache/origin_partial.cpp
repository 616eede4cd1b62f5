// Responses of which only a part came: kept where a strong validator names the representation, and completed by a range request for the
// rest (RFC 9111 3.3, 3.4; RFC 9110 15.3.7.3). A part is never the answer to a request for the whole.
#include "proxy-under-test/cache/delivery.h"
#include "proxy-under-test/cache/origin_fetch.h"
#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

namespace {
std::optional<placed_range> place_of(const response_head& response) {
    return response.status == 206 ? parse_content_range(response.fields.value("Content-Range")) : std::nullopt;
}
}  // namespace

/// Of a response to a request for the missing part: that part, of the same representation. Else the whole is asked for, unless this
/// response is it, or an error.
origin_fetch::rest origin_fetch::rest_has_come() {
    auto& x = exchange_;
    const auto place = place_of(x.response);
    const auto stored = x.completes;
    const bool same =
        strong_validator(x.response.fields) == strong_validator(stored->head.fields) || planted(bug::combine_other_representations);
    if (place && same && place->length == stored->partial->length()) {
        auto merged = stored->head;
        update_stored_fields(merged.fields, x.response.fields);
        x.response.fields = std::move(merged.fields);
        x.response.status = 200;
        x.response.reason = standard_reason(200);
        rest_from_ = place->range.first;
        take_lifetime();
        return rest::this_is_it;
    }
    x.completes.reset();
    if (x.response.status != 206 && x.response.status != 416 && x.response.status != 304) return rest::another_response;
    x.log->add("Debug", "the rest is not to be had: asking for the whole");
    let_go(false);
    begin_again();
    for (const auto name : {"Range", "If-Range"}) x.request.fields.remove(name);
    return rest::ask_for_the_whole;
}

/// False: something is still missing, which what came could not know.
bool origin_fetch::complete_from_rest() {
    auto& x = exchange_;
    auto all = *x.completes->partial;
    if (*rest_from_ + x.content.size() > all.length()) return false;
    all.add(*rest_from_, x.content);
    if (!all.whole()) return false;
    x.content = *all.find({0, all.length() - 1});
    return true;
}

/// Whether what this response brings of its content may be kept as a part.
bool origin_fetch::may_keep_part() const {
    const auto& x = exchange_;
    const bool ordinary = engine_.by_rfc && x.request.method == "GET" && !x.passed && !x.no_store && !x.uncacheable && !x.synthetic;
    const bool as_it_came = !x.do_esi && !x.do_gzip && !x.do_gunzip && !x.completes;
    const auto& came = reader_->response().fields;
    const bool comparable = came.has("ETag") || came.has("Date");  // a Date of ours is of another clock than the origin's Last-Modified
    return ordinary && as_it_came && x.ttl > nanoseconds{0} && comparable && !strong_validator(x.response.fields).empty();
}

/// A 206 that came whole.
void origin_fetch::keep_range(std::string_view content) {
    const auto place = place_of(exchange_.response);
    if (!place || !may_keep_part() || content.size() != place->range.last - place->range.first + 1) return;
    keep_part(place->range.first, content, place->length);
}

/// The beginning of a 200 that was to have so many bytes.
void origin_fetch::keep_beginning(std::string_view content, std::uint64_t length) {
    if (exchange_.response.status != 200 || !may_keep_part() || content.empty() || content.size() >= length) return;
    if (length > engine_.most.response) return;
    keep_part(0, content, length);
}

void origin_fetch::keep_part(std::uint64_t first, std::string_view content, std::uint64_t length) {
    auto& x = exchange_;
    auto parts = std::make_shared<partial_content>(length);
    const auto before = engine_.objects.variant(x.key, x.request.fields);
    const bool same = before && before->partial && before->partial->length() == length &&
                      strong_validator(before->head.fields) == strong_validator(x.response.fields);
    if (same) *parts = *before->partial;
    parts->add(first, content);
    const auto made = make_object();
    x.content = made->content;  // the answer to who asked
    made->content.clear();
    made->head.status = 200;
    made->head.reason = standard_reason(200);
    for (const auto name : {"Content-Range", "Content-Length"}) made->head.fields.remove(name);
    if (parts->whole()) {
        made->content = *parts->find({0, length - 1});
    } else {
        made->partial = std::move(parts);
    }
    if (engine_.objects.insert(made, x.request))
        x.log->tell("Storage", "memory {} part {}-{}/{}", x.storage, first, first + content.size() - 1, length);
}

}  // namespace badorigin::cache
