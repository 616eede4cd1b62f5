// A stored response with what is needed to find, age, ban, validate and deliver it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/esi.h"
#include "proxy-under-test/cache/fields.h"
#include "proxy-under-test/cache/partial_content.h"

namespace badorigin::cache {

/// A content that is still coming in: who delivers it goes along. Of a response for one client only what is on its way is held.
struct body_growth {
    std::optional<std::uint64_t> length;  ///< as announced
    bool ended = false, broken = false;   ///< broken: by what came, it is not whole
    bool held_back = false;               ///< its one reader sets the pace
    bool unread = false;                  ///< that one has gone
    std::uint64_t dropped = 0;            ///< bytes before the object's content, delivered already
    std::string announced;                ///< the trailer fields that are to come, by Trailer

    void wait(std::function<void()> wake) { waiting_.push_back(std::move(wake)); }
    /// Its reader waits for the whole.
    void release() {
        held_back = false;
        moved();
    }
    /// There is more, or less, or the end.
    void moved() {
        for (auto& wake : std::exchange(waiting_, {})) wake();
    }

private:
    std::vector<std::function<void()>> waiting_;
};

struct stored_object;
/// When each stored object's life ends.
using life_ends = std::multimap<nanoseconds, stored_object*>;

struct stored_object {
    enum class role { response, hit_for_miss, hit_for_pass };

    std::uint64_t fetch_id = 0;  ///< X-Varnish of the fetch that brought it
    std::string key;
    role is = role::response;
    response_head head;
    std::string content;
    field_list trailers;                             ///< behind a content that is whole and as it came
    std::shared_ptr<body_growth> growing;            ///< null: the content is whole
    std::shared_ptr<const partial_content> partial;  ///< set: not the whole; `content` is empty then
    std::vector<esi_part> parts;                     ///< of a page with includes; else empty
    bool gzipped_here = false;                       ///< by beresp.do_gzip: opened again for who does not accept it
    bool synthetic = false;                          ///< made by the policy; Range is ignored on it
    bool passed = false;                             ///< for its one client only, never stored
    bool has_content = true;                         ///< false: the answer to a HEAD request

    nanoseconds origin_time{0};  ///< when it was new: header received, minus the Age it came with
    nanoseconds received{0};
    nanoseconds ttl{0}, grace{0}, keep{0};  ///< ttl from origin_time on, the others one after the other
    nanoseconds stale_if_error{0};          ///< beyond ttl
    bool must_revalidate = false;           ///< never to be served stale, whatever a client accepts

    std::vector<field> variant;  ///< the request fields that Vary names, as they were
    std::string backend;
    std::uint64_t bans_seen = 0;
    std::int64_t hits = 0;

    std::string storage = "default";
    std::uint64_t accounted = 0;  ///< bytes of its storage area
    bool held = false;            ///< the store has it, here:
    std::list<std::shared_ptr<stored_object>>::iterator place;
    life_ends::iterator end;

    nanoseconds age(nanoseconds now) const { return now - origin_time; }
    nanoseconds ttl_left(nanoseconds now) const { return origin_time + ttl - now; }
    nanoseconds end_of_life() const { return origin_time + ttl + grace + keep; }
    /// Whether its parts are all that a request asks for.
    bool has_part_for(const request_head& request) const;
    bool has_validator() const { return head.fields.has("ETag") || head.fields.has("Last-Modified"); }
};
/// What names a representation byte by byte: an entity tag that is not weak or, where there is none at all, a date that is strong; empty:
/// there is nothing such (RFC 9110 8.8, 13.1.5).
std::string_view strong_validator(const field_list& fields);

using object_ptr = std::shared_ptr<stored_object>;

/// RFC 9111 4.3.5: the stored response as the answer to a HEAD renews it; null where that shows it to be another one.
std::shared_ptr<stored_object> renewed_by_head(const stored_object& stored, const stored_object& answer, const request_head& request);

/// What it costs its storage area: content, fields, key, and what the store needs to find it.
std::uint64_t bytes_of(const stored_object& object);

/// The values of the fields that `vary` names, in lower-case name order of appearance.
std::vector<field> variant_of(std::string_view vary, const field_list& request);
bool variant_matches(const stored_object& object, const field_list& request);

/// Lets go of it; what one client was to get alone is read no further.
void abandon(object_ptr& object);

}  // namespace badorigin::cache
