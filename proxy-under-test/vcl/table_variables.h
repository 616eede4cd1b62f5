// The variables of VCL 4. In a header, so that a number of one is known when the cache is compiled (variable_numbers.h).
#pragma once

#include <array>

#include "proxy-under-test/vcl/table.h"

namespace badorigin::cache::vcl::version_4 {

using enum subroutine;
using t = type;

constexpr places sides_and_loading = everywhere;
constexpr places backend_or_pipe = backend_side | in(pipe);
constexpr places with_response = in(backend_response) | in(backend_error);
constexpr places hit_or_deliver = in(hit) | in(deliver);
constexpr places answering = in(deliver) | in(synth);

constexpr variable absent(variable of) {
    of.here = support::none;
    return of;
}

// name, type, what it is, readable, writable, unsettable [, since, until [, writable in 4.0 only]]
inline constexpr std::array table_of_variables{
    variable{"now", t::time, "when the subroutine began to run", sides_and_loading},
    variable{"client.ip", t::ip, "who asks: the client's address", both_sides},
    variable{"client.identity", t::string, "who asks, as the policy sees it: the address until it is set", both_sides, client_side},
    variable{"server.ip", t::ip, "the address that the client connected to", both_sides},
    variable{"server.port", t::integer, "the port that the client connected to", both_sides},
    variable{"server.hostname", t::string, "the name of the machine", sides_and_loading},
    variable{"server.identity", t::string, "the name of this cache", sides_and_loading},
    variable{"local.ip", t::ip, "the address that the client connected to", both_sides},
    variable{"local.endpoint", t::string, "the address and port that the client connected to", both_sides, nowhere, nowhere, 41},
    variable{"local.socket", t::string, "the name of the listener", both_sides, nowhere, nowhere, 41},
    variable{"remote.ip", t::ip, "the other end of the client's connection", both_sides},

    variable{"req", t::http, "the client's request, for std.rollback", client_side},
    variable{"req.method", t::string, "the method of the client's request", client_side, client_side},
    variable{"req.url", t::string, "the target of the client's request", client_side, client_side},
    variable{"req.proto", t::string, "the version of HTTP that the client speaks", client_side, nowhere, nowhere, 40, 41, client_side},
    variable{"req.http.*", t::header, "a field of the client's request", client_side, client_side, client_side},
    variable{"req.restarts", t::integer, "how often this request was restarted", client_side},
    variable{"req.xid", t::string, "the number of this transaction", client_side},
    variable{"req.time", t::time, "when the request came", client_side},
    variable{"req.transport", t::string, "HTTP/1", client_side},
    variable{"req.ttl", t::duration, "how old a stored response may be for this request", client_side, client_side},
    variable{"req.grace", t::duration, "how stale a stored response may be for this request", client_side, client_side},
    variable{"req.esi", t::boolean, "whether ESI is processed for this request", client_side, client_side, nowhere, 40, 40},
    variable{"req.esi_level", t::integer, "how deep in ESI includes this request is", client_side},
    variable{"req.can_gzip", t::boolean, "whether the client takes gzip", client_side},
    variable{"req.hash_always_miss", t::boolean, "do as if nothing were stored", client_side, client_side},
    variable{"req.hash_ignore_busy", t::boolean, "do not wait for a fetch that is in flight", client_side, client_side},
    variable{"req.hash_ignore_vary", t::boolean, "take any variant", client_side, client_side},
    variable{"req.backend_hint", t::backend, "the backend or director to ask", client_side, client_side},
    variable{"req.is_hitmiss", t::boolean, "a hit-for-miss was found", client_side},
    variable{"req.is_hitpass", t::boolean, "a hit-for-pass was found", client_side},
    absent(variable{"req.storage", t::storage, "the store for what is fetched", client_side, client_side}),
    variable{"req_top.method", t::string, "the method of the request at the top of ESI", client_side},
    variable{"req_top.url", t::string, "the target of the request at the top of ESI", client_side},
    variable{"req_top.proto", t::string, "the version of HTTP of the request at the top of ESI", client_side},
    variable{"req_top.time", t::time, "when the request at the top of ESI came", client_side},
    variable{"req_top.http.*", t::header, "a field of the request at the top of ESI", client_side},

    variable{"bereq", t::http, "the request to the origin, for std.rollback", backend_side},
    variable{"bereq.method", t::string, "the method of the request to the origin", backend_or_pipe, backend_or_pipe},
    variable{"bereq.url", t::string, "the target of the request to the origin", backend_or_pipe, backend_or_pipe},
    variable{"bereq.proto", t::string, "the version of HTTP spoken to the origin", backend_or_pipe, nowhere, nowhere, 40, 41,
             backend_or_pipe},
    variable{"bereq.http.*", t::header, "a field of the request to the origin", backend_or_pipe, backend_or_pipe, backend_or_pipe},
    variable{"bereq.xid", t::string, "the number of this transaction", backend_or_pipe},
    variable{"bereq.time", t::time, "when the fetch began", backend_or_pipe},
    variable{"bereq.retries", t::integer, "how often this fetch was retried", backend_side},
    variable{"bereq.backend", t::backend, "the backend or director to ask", backend_or_pipe, backend_or_pipe},
    variable{"bereq.body", t::body, "the body of the request to the origin", nowhere, nowhere, in(backend_fetch)},
    variable{"bereq.uncacheable", t::boolean, "the client's request is passed", backend_side},
    variable{"bereq.is_bgfetch", t::boolean, "nobody waits for this fetch", backend_side},
    variable{"bereq.is_hitmiss", t::boolean, "a hit-for-miss was found", backend_side},
    variable{"bereq.is_hitpass", t::boolean, "a hit-for-pass was found", backend_side},
    variable{"bereq.connect_timeout", t::duration, "how long a connection to the origin may take", backend_or_pipe, backend_or_pipe},
    variable{"bereq.first_byte_timeout", t::duration, "how long the origin may take to answer", backend_side, backend_side},
    variable{"bereq.between_bytes_timeout", t::duration, "how long the origin may pause in its answer", backend_side, backend_side},

    absent(variable{"beresp", t::http, "the origin's response as a whole", with_response}),
    variable{"beresp.proto", t::string, "the version of HTTP that the origin speaks", with_response, nowhere, nowhere, 40, 41,
             with_response},
    variable{"beresp.status", t::integer, "the status of the origin's response; setting it sets the reason, too", with_response,
             with_response},
    variable{"beresp.reason", t::string, "the reason phrase of the origin's response", with_response, with_response},
    variable{"beresp.http.*", t::header, "a field of the origin's response", with_response, with_response, with_response},
    variable{"beresp.time", t::time, "when the response's header was received", with_response},
    variable{"beresp.ttl", t::duration, "how long the response stays fresh from now on", with_response, with_response},
    variable{"beresp.age", t::duration, "how old the response is", with_response},
    variable{"beresp.grace", t::duration, "how long it may be served stale after its ttl", with_response, with_response},
    variable{"beresp.keep", t::duration, "how long it is kept for validation after its grace", with_response, with_response},
    variable{"beresp.uncacheable", t::boolean, "not to be stored; true stays true", with_response, with_response},
    variable{"beresp.do_stream", t::boolean, "whether the response is delivered while it is fetched", with_response, with_response},
    variable{"beresp.do_gzip", t::boolean, "whether the content is compressed before it is stored", with_response, with_response},
    variable{"beresp.do_gunzip", t::boolean, "whether the content is decompressed before it is stored", with_response, with_response},
    variable{"beresp.do_esi", t::boolean, "whether the content is searched for ESI", with_response, with_response},
    absent(variable{"beresp.filters", t::string, "the filters that the content goes through", in(backend_response), in(backend_response)}),
    variable{"beresp.backend", t::backend, "the backend that answered", with_response},
    variable{"beresp.backend.name", t::string, "the name of the backend that answered", with_response},
    variable{"beresp.backend.ip", t::ip, "the address of the backend that answered", in(backend_response), nowhere, nowhere, 40, 40},
    variable{"beresp.was_304", t::boolean, "the origin confirmed what is stored", with_response},
    variable{"beresp.storage", t::storage, "the store for this response", with_response, with_response},
    variable{"beresp.storage_hint", t::string, "the name of the store for this response", with_response, with_response, nowhere, 40, 40},
    absent(variable{"beresp.transit_buffer", t::bytes, "how much of a passed response is held", with_response, with_response}),
    variable{"beresp.body", t::body, "the content of the response that is made here", nowhere, in(backend_error)},

    variable{"obj.hits", t::integer, "how often the stored response was found", hit_or_deliver},
    variable{"obj.http.*", t::header, "a field of the stored response", in(hit)},
    variable{"obj.proto", t::string, "the version of HTTP of the stored response", in(hit)},
    variable{"obj.status", t::integer, "the status of the stored response", in(hit)},
    variable{"obj.reason", t::string, "the reason phrase of the stored response", in(hit)},
    variable{"obj.time", t::time, "when the stored response was received", hit_or_deliver},
    variable{"obj.ttl", t::duration, "how long the stored response stays fresh", hit_or_deliver},
    variable{"obj.age", t::duration, "how old the stored response is", hit_or_deliver},
    variable{"obj.grace", t::duration, "how long the stored response may be served stale", hit_or_deliver},
    variable{"obj.keep", t::duration, "how long the stored response is kept for validation", hit_or_deliver},
    variable{"obj.uncacheable", t::boolean, "the response is not stored", in(deliver)},
    variable{"obj.can_esi", t::boolean, "the stored response was searched for ESI", hit_or_deliver},
    variable{"obj.storage", t::storage, "the store that holds it", hit_or_deliver},

    absent(variable{"resp", t::http, "the response to the client as a whole", answering}),
    variable{"resp.proto", t::string, "the version of HTTP of the response", answering, nowhere, nowhere, 40, 41, answering},
    variable{"resp.status", t::integer, "the status of the response; setting it sets the reason, too", answering, answering},
    variable{"resp.reason", t::string, "the reason phrase of the response", answering, answering},
    variable{"resp.http.*", t::header, "a field of the response", answering, answering, answering},
    variable{"resp.time", t::time, "when the response is made", answering},
    variable{"resp.is_streaming", t::boolean, "the response is delivered while it is fetched", answering},
    variable{"resp.do_esi", t::boolean, "whether ESI is processed in the response", answering, answering, nowhere, 41},
    absent(variable{"resp.filters", t::string, "the filters that the content goes through", answering, answering}),
    variable{"resp.body", t::body, "the content of the response that is made here", nowhere, in(synth)},

    variable{"sess.xid", t::string, "the number of the client's connection", both_sides, nowhere, nowhere, 41},
    variable{"sess.timeout_idle", t::duration, "how long the client's connection may be idle before its next request", client_side,
             client_side},
    absent(variable{"sess.timeout_linger", t::duration, "how long a thread waits for the next request", client_side, client_side}),
    absent(variable{"sess.send_timeout", t::duration, "how long sending the response may take", client_side, client_side}),
    variable{"sess.idle_send_timeout", t::duration, "how long the client may not take anything of the response", client_side, client_side},

    variable{"storage.*.free_space", t::bytes, "what is free in a store", both_sides},
    variable{"storage.*.used_space", t::bytes, "what is used in a store", both_sides},
    variable{"storage.*.happy", t::boolean, "whether a store is well", both_sides},
};

}  // namespace badorigin::cache::vcl::version_4
