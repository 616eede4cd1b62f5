// The variables of VCL 3.0. There the fetch belongs to the client's request, so req is seen everywhere, vcl_miss and vcl_pass may change
// bereq, and in vcl_error obj is the response that is being made.
#pragma once

#include <array>

#include "proxy-under-test/vcl/table.h"

namespace badorigin::cache::vcl::version_3 {

using enum subroutine;
using t = type;

constexpr places all = in(recv) | in(hash) | in(pipe) | in(pass) | in(hit) | in(miss) | in(backend_response) | in(deliver) | in(synth);
constexpr places asking = in(pass) | in(miss) | in(pipe) | in(backend_response);
constexpr places fetched = in(backend_response);
constexpr places found = in(hit) | in(deliver);
constexpr places made = in(synth);

struct options {
    std::string_view is = {};
    support here = support::full;
};
constexpr variable row(std::string_view name, type of, std::string_view about, places readable, places writable = nowhere,
                       options more = {}) {
    const places unsettable = of == type::header ? writable : nowhere;
    return {name, of, about, readable, writable, unsettable, 30, 30, nowhere, more.here, more.is};
}
constexpr options fixed{.here = support::no_setting}, absent{.here = support::none};
constexpr options as(std::string_view name) {
    return {.is = name};
}

inline constexpr std::array table_of_variables{
    row("now", t::time, "when the subroutine began to run", all),
    row("client.ip", t::ip, "who asks: the client's address", all),
    row("client.identity", t::string, "who asks, as the policy sees it: the address until it is set", all, all),
    row("server.ip", t::ip, "the address that the client connected to", all),
    row("server.port", t::integer, "the port that the client connected to", all),
    row("server.hostname", t::string, "the name of the machine", all),
    row("server.identity", t::string, "the name of this cache", all),

    row("req.request", t::string, "the method of the client's request", all, all, as("req.method")),
    row("req.url", t::string, "the target of the client's request", all, all),
    row("req.proto", t::string, "the version of HTTP that the client speaks", all, all, fixed),
    row("req.http.*", t::header, "a field of the client's request", all, all),
    row("req.restarts", t::integer, "how often this request was restarted", all),
    row("req.xid", t::string, "the number of this transaction", all),
    row("req.ttl", t::duration, "how old a stored response may be for this request", all, all),
    row("req.grace", t::duration, "how stale a stored response may be for this request", all, all),
    row("req.keep", t::duration, "how long after its grace a response may be validated", all, all, absent),
    row("req.esi", t::boolean, "whether ESI is processed for this request", all, all),
    row("req.esi_level", t::integer, "how deep in ESI includes this request is", all),
    row("req.can_gzip", t::boolean, "whether the client takes gzip", all),
    row("req.backend", t::backend, "the backend or director to ask", all, all, as("req.backend_hint")),
    row("req.backend.healthy", t::boolean, "whether that is healthy, and not in saint mode for this request", all),
    row("req.hash_always_miss", t::boolean, "do as if nothing were stored", in(recv), in(recv)),
    row("req.hash_ignore_busy", t::boolean, "do not wait for a fetch that is in flight", in(recv), in(recv)),

    row("bereq.request", t::string, "the method of the request to the origin", asking, asking, as("bereq.method")),
    row("bereq.url", t::string, "the target of the request to the origin", asking, asking),
    row("bereq.proto", t::string, "the version of HTTP spoken to the origin", asking, asking, fixed),
    row("bereq.http.*", t::header, "a field of the request to the origin", asking, asking),
    row("bereq.connect_timeout", t::duration, "how long a connection to the origin may take", in(pass) | in(miss), in(pass) | in(miss)),
    row("bereq.first_byte_timeout", t::duration, "how long the origin may take to answer", in(pass) | in(miss), in(pass) | in(miss)),
    row("bereq.between_bytes_timeout", t::duration, "how long the origin may pause in its answer", in(pass) | in(miss),
        in(pass) | in(miss)),

    row("beresp.proto", t::string, "the version of HTTP that the origin speaks", fetched, fetched, fixed),
    row("beresp.status", t::integer, "the status of the origin's response", fetched, fetched),
    row("beresp.response", t::string, "the reason phrase of the origin's response", fetched, fetched, as("beresp.reason")),
    row("beresp.http.*", t::header, "a field of the origin's response", fetched, fetched),
    row("beresp.ttl", t::duration, "how long the response stays fresh", fetched, fetched),
    row("beresp.grace", t::duration, "how long it is kept after its ttl, to be served stale", fetched, fetched),
    row("beresp.keep", t::duration, "how long it is kept after its grace", fetched, fetched),
    row("beresp.saintmode", t::duration, "for how long this backend is not asked for this again", nowhere, fetched),
    row("beresp.do_esi", t::boolean, "whether the content is searched for ESI", fetched, fetched),
    row("beresp.do_stream", t::boolean, "whether the response is delivered while it is fetched", fetched, fetched),
    row("beresp.do_gzip", t::boolean, "whether the content is compressed before it is stored", fetched, fetched),
    row("beresp.do_gunzip", t::boolean, "whether the content is decompressed before it is stored", fetched, fetched),
    row("beresp.backend.name", t::string, "the name of the backend that answered", fetched),
    row("beresp.backend.ip", t::ip, "the address of the backend that answered", fetched),
    row("beresp.backend.port", t::integer, "the port of the backend that answered", fetched),
    row("beresp.storage", t::string, "the name of the store for this response", fetched, fetched),

    row("obj.hits", t::integer, "how often the stored response was found", found),
    row("obj.http.*", t::header, "a field of the stored response; in vcl_error, of the one being made", in(hit) | made, made),
    row("obj.proto", t::string, "the version of HTTP of that response", in(hit) | made, made, fixed),
    row("obj.status", t::integer, "the status of that response", in(hit) | made, made),
    row("obj.response", t::string, "the reason phrase of that response", in(hit) | made, made, as("obj.reason")),
    row("obj.ttl", t::duration, "how long the stored response stays fresh", in(hit), in(hit)),
    row("obj.grace", t::duration, "how long the stored response may be served stale", in(hit), in(hit)),
    row("obj.keep", t::duration, "how long the stored response is kept after its grace", in(hit), in(hit)),
    row("obj.lastuse", t::duration, "how long ago the stored response was last found", found, nowhere, absent),

    row("resp.proto", t::string, "the version of HTTP of the response", in(deliver), in(deliver), fixed),
    row("resp.status", t::integer, "the status of the response", in(deliver), in(deliver)),
    row("resp.response", t::string, "the reason phrase of the response", in(deliver), in(deliver), as("resp.reason")),
    row("resp.http.*", t::header, "a field of the response", in(deliver), in(deliver)),
};

}  // namespace badorigin::cache::vcl::version_3
