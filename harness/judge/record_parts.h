// The records of one transaction in Varnish's sense: a session, a client request, or a request to an origin.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/judge/origin_requests.h"
#include "harness/judge/records.h"

namespace badorigin::judge {

struct part {
    std::vector<record> records;
    std::uint32_t id = 0;
};

/// Numbers of sessions, client requests and origin requests; 0: has none.
class log_ids {
public:
    std::uint32_t of(const capture::connection& c) const { return at(sessions_, c.id); }
    std::uint32_t of(const capture::exchange_ptr& e) const { return e ? at(requests_, e->id) : 0; }
    std::uint32_t of(const capture::exchange& e) const { return at(requests_, e.id); }
    void give(const capture::connection& c, std::uint32_t id) { put(sessions_, c.id, id); }
    void give(const capture::exchange& e, std::uint32_t id) { put(requests_, e.id, id); }

private:
    using by_id = std::vector<std::uint32_t>;
    static std::uint32_t at(const by_id& all, std::uint64_t id) { return id < all.size() ? all[id] : 0; }
    static void put(by_id& into, std::uint64_t id, std::uint32_t number) {
        if (id >= into.size()) into.resize(id + 1);
        into[id] = number;
    }
    by_id sessions_, requests_;  // by the ids that evidence gives
};

/// A client request on a connection.
struct link {
    std::uint32_t id = 0;
    capture::frame_ref at;
};

part session_part(const capture::evidence& evidence, const capture::connection& c, std::span<const link> on_it, const log_ids& ids);
part client_part(const capture::evidence& evidence, const capture::transaction& t, std::span<const origin_request> asked,
                 const log_ids& ids);
/// `parent`: the id of who asked for it; 0 for a probe, which belongs to no transaction.
part origin_part(const capture::evidence& evidence, std::span<const origin_request> asked, std::size_t which, std::uint32_t parent,
                 const log_ids& ids);

}  // namespace badorigin::judge
