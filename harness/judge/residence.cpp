#include "harness/judge/residence.h"

#include <algorithm>

#include "http/freshness.h"

namespace badorigin::judge {

bool is_surely_from(const transaction& t, const matter& about) {
    if (!t.delivered_from || !t.delivered_from->answered() || !t.client || !t.client->answered()) return false;
    const auto& from = *t.delivered_from;
    if (!about.made_elsewhere() || about.run.caused(t, from)) return true;
    using namespace std::chrono_literals;
    auto date = from.response->message.field("Date");
    return date && t.client->response->message.field("Date") == date &&
           about.run.clock(begin_of(*t.client)) - about.run.clock(end_of(from)) >= 2s;
}

span_of_time residence(const matter& about, const exchange& from, const exchange& client) {
    auto delivered = about.run.clock(client.response ? client.response->first : end_of(client));
    auto received = about.run.clock(from.response ? from.response->header_end : end_of(from));
    auto sent = about.run.clock(begin_of(from));
    constexpr nanoseconds none{0};
    return {std::max(none, delivered - received), std::max(none, delivered - sent)};
}

span_of_time age_at_delivery(const matter& about, const exchange& from, const exchange& client) {
    const auto& response = from.response->message;
    auto wall = about.run.wall_start();
    if (wall == nanoseconds{0}) {  // without it Date says nothing
        auto stay = residence(about, from, client);
        nanoseconds age = http::age_field(response.fields).value_or(http::seconds{0});
        return {age + stay.least, age + stay.most};
    }
    auto at = [&](const frame_ref& frame) { return wall + about.run.clock(frame); };
    auto age = http::current_age(response, at(begin_of(from)), at(from.response->header_end), at(client.response->first));
    return {age.least, age.most};
}

std::optional<nanoseconds> lifetime(const matter& about, const exchange& from) {
    if (auto promised = about.run.promise("ttl")) return promised;
    if (!from.answered()) return std::nullopt;
    auto own = http::freshness_lifetime(from.response->message);
    using source = http::lifetime::source;
    if (own.from == source::none || own.from == source::heuristic) return std::nullopt;
    return own.value;
}

}  // namespace badorigin::judge
