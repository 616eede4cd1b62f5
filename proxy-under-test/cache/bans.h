// Bans: tests against every object that was stored before the ban came.
//
// An object remembers how many bans it has passed, so each ban is tested once an object: when that is next looked up, or by the lurker
// (store::sweep_bans) where the ban asks nothing of the request. A ban that all objects have passed is forgotten.
#pragma once

#include <deque>
#include <expected>
#include <string>

#include "proxy-under-test/cache/stored_object.h"
#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache {

class ban_list {
public:
    std::expected<void, std::string> add(std::string_view expression);
    /// All that ever came.
    std::uint64_t count() const { return forgotten_ + bans_.size(); }
    std::size_t held() const { return bans_.size(); }
    /// Whether a ban newer than the object names it, asked by this request. Remembers that the object was tested.
    bool strikes(stored_object& object, const request_head& request, nanoseconds now) const;
    /// The same without a request, up to the first ban that needs one.
    bool strikes_without_request(stored_object& object, nanoseconds now) const;

    /// Time to look whether some can be forgotten: there are twice as many as were left the last time.
    bool crowded() const { return bans_.size() >= next_sweep_; }
    void forget_before(std::uint64_t which);

private:
    bool test(stored_object& object, const request_head* request, nanoseconds now) const;

    std::deque<vcl::ban_expression> bans_;
    std::uint64_t forgotten_ = 0;
    std::size_t next_sweep_ = 8;
};

}  // namespace badorigin::cache
