// Small questions about exchanges that rules and expectations share, and the words by which messages name them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/evidence.h"
#include "harness/judge/finding.h"

namespace badorigin::judge {

using capture::exchange;
using capture::exchange_ptr;
using capture::frame_number;
using capture::frame_ref;
using capture::transaction;
using std::chrono::nanoseconds;

/// First frame that carried a byte of it (of the response where no request was seen).
frame_ref begin_of(const exchange& e);
/// Last frame that carried a byte of it.
frame_ref end_of(const exchange& e);
/// The earliest frame in which the server's side ended the connection, and the client's; number 0: neither.
frame_ref server_end(const capture::connection& c);
frame_ref client_end(const capture::connection& c);
/// The frame in which the proxy knew what came of its request: the answer's header, else the end of the connection, else the last seen of
/// it.
frame_ref known_at(const exchange& origin);
/// The answer to a request that went before the capture began.
bool begun_unseen(const exchange& e);
/// Something of it is missing from the capture.
bool holed(const exchange& e);

int status_of(const exchange& e);  ///< 0: no final response
bool is_origin_leg(const exchange& e);
/// "app" for "origin:app"; the server's name otherwise.
std::string origin_name(const exchange& e);
bool is_idempotent(std::string_view method);  ///< RFC 9110 9.2.2
/// The request target as path and query; scheme and authority of the absolute form are taken off.
std::string target_of(const http::message& request);
std::string host_of(const http::message& request);
bool has_body(const http::message& m);
/// Asks by a validator: If-None-Match or If-Modified-Since.
bool is_conditional(const http::message& request);
bool same_content(const http::message& a, const http::message& b);
/// As far as kept: the content of `part` is how that of `whole` begins.
bool begins(const http::message& part, const http::message& whole);
/// The values of a field joined by commas; "" where absent.
std::string joined(const http::fields& all, std::string_view name);
/// The final response of an origin that ended before its framing said so.
bool answered_incompletely(const exchange& origin);
bool contains(const std::vector<exchange_ptr>& all, const exchange_ptr& what);

// Words.
/// "front, struck": what a finding is about, of several proxies.
std::string subject_in(const capture::evidence& tier, const std::string& subject);
std::string seconds_text(nanoseconds value);         ///< "35 s", "0.25 s"
std::string ordinal(std::uint32_t number);           ///< "1st", "12th"
std::string connection_words(const exchange& e);     ///< "fresh connection 6", "reused connection 3"
std::string place_of(const exchange& e);             ///< "frame 57, fresh connection 6"
std::string request_line(const exchange& e);         ///< "POST /orders"
citation cite(std::string what, const exchange& e);  ///< the whole exchange
citation cite_request(std::string what, const exchange& e);
citation cite_response(std::string what, const exchange& e);
/// What the proxy's process had used at two moments.
citation cite_vitals(const capture::vitals_sample& from, const capture::vitals_sample& to);

}  // namespace badorigin::judge
