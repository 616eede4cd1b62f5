// Which origin's response a client got, without serials.
#pragma once

#include <vector>

#include "capture/exchange.h"

namespace badorigin::capture {

/// Fills `delivered_from` of the client's transactions: by the harness's serial, by the fetch that X-Varnish names, by the transaction's
/// own fetches, else by content and by Date, ETag and Last-Modified where only one response so far has them.
void find_deliveries(std::vector<transaction>& transactions, const std::vector<exchange_ptr>& exchanges);

}  // namespace badorigin::capture
