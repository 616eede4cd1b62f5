// What origins were asked for one client request, request by request as Varnish counts them.
//
// An attempt is what stands on a connection. Two attempts whose header sections are the same, line by line, are one request that the
// proxy sent again by itself (Varnish: one bereq with two connections, and one X-Varnish). One whose header section differs was made anew:
// a retry. So is a request for the same target that begins when the one before it is over and was not delivered; packets do not tell a
// retry of the origin's side from a restart of the client's.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "capture/exchange.h"

namespace badorigin::judge {

struct origin_request {
    enum class kind : std::uint8_t {
        fetch,
        bgfetch,  ///< its answer came after the client's response had begun, and the client got another one
        retry
    };
    kind why = kind::fetch;
    std::vector<capture::exchange_ptr> attempts;  ///< never empty
    std::size_t fetch = 0;                        ///< index among the transaction's fetches
    std::size_t after = 0;                        ///< retry: index of the request that it repeats
};
std::string_view name(enum origin_request::kind why);

/// In the order of the transaction's fetches and their attempts.
std::vector<origin_request> origin_requests(const capture::transaction& t);

}  // namespace badorigin::judge
