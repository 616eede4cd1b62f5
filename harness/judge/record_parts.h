// The records of one transaction in Varnish's sense: a session, a client request, or a request to an origin.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "harness/judge/origin_requests.h"
#include "harness/judge/records.h"

namespace badorigin::judge {

struct part {
    std::vector<record> records;
    std::uint32_t id = 0;
};

/// Identifiers of sessions, client requests and origin requests; 0: has none.
using ids_by_what = std::unordered_map<const void*, std::uint32_t>;
std::uint32_t id_of(const ids_by_what& ids, const void* what);

part session_part(const capture::evidence& evidence, const capture::connection& c, std::span<const capture::transaction* const> on_it,
                  const ids_by_what& ids);
part client_part(const capture::evidence& evidence, const capture::transaction& t, std::span<const origin_request> asked,
                 const ids_by_what& ids);
/// `parent`: the id of who asked for it; 0 for a probe, which belongs to no transaction.
part origin_part(const capture::evidence& evidence, std::span<const origin_request> asked, std::size_t which, std::uint32_t parent,
                 const ids_by_what& ids);

}  // namespace badorigin::judge
