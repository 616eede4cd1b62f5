// Bans: tests against every object that was stored before the ban came.
//
// An object remembers how many bans it has passed, so each ban is tested once an object, when that is next looked up.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "proxy-under-test/cache/stored_object.h"
#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache {

class ban_list {
public:
    std::expected<void, std::string> add(std::string_view expression);
    std::uint64_t count() const { return bans_.size(); }
    /// Whether a ban newer than the object names it, asked by this request. Remembers that the object was tested.
    bool strikes(stored_object& object, const request_head& request, nanoseconds now) const;

private:
    std::vector<vcl::ban_expression> bans_;
};

}  // namespace badorigin::cache
