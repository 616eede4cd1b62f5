// What the policy sees and changes of a request from a client, and of a request to an origin. Plain values, no sockets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy-under-test/cache/backends.h"
#include "proxy-under-test/cache/cache_directives.h"
#include "proxy-under-test/cache/cache_status.h"
#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/stored_object.h"
#include "proxy-under-test/cache/transaction_log.h"

namespace badorigin::cache {

struct end_points {
    std::string client_ip, server_ip;  ///< as a PROXY header says, where there is one
    std::string remote_ip, local_ip;   ///< of the connection
    std::uint16_t client_port = 0, server_port = 0, remote_port = 0, local_port = 0;
    std::uint64_t session_id = 0;

    proxy_header as_header() const {
        return {.complete = true,
                .names_ends = true,
                .client_ip = client_ip,
                .server_ip = server_ip,
                .client_port = client_port,
                .server_port = server_port};
    }
};

/// Of one connection of a client; a policy may change them.
struct session_limits {
    nanoseconds idle{std::chrono::seconds(5)};
    nanoseconds idle_send{std::chrono::seconds(60)};  ///< without taking anything
};

struct client_exchange {
    std::uint64_t xid = 0;
    end_points ends;
    nanoseconds started{0};
    request_head original, request;  ///< as it came; as the policy has made it
    int restarts = 0;

    std::optional<nanoseconds> most_grace, most_ttl;  ///< req.grace, req.ttl
    bool hash_always_miss = false, hash_ignore_busy = false, hash_ignore_vary = false;
    bool is_hit_for_miss = false, is_hit_for_pass = false;
    std::string backend_hint, identity;
    std::vector<std::string> hash_parts;
    std::string key;

    client_wishes wishes;  ///< what its Cache-Control asks, where the RFCs are followed
    cache_status status;

    bool has_body = false;
    std::optional<std::uint64_t> body_length;  ///< none: chunked
    std::optional<std::uint64_t> keep_body;    ///< std.cache_req_body was called: with this limit

    object_ptr object;  ///< hit, or what the fetch brought
    response_head response;
    std::string synthetic;  ///< body of vcl_synth
    session_limits* session = nullptr;
    vcl::cookie_jar cookies;
    bool streamed = false;  ///< the content is sent as it comes
    int esi_level = 0;
    bool esi = true;                       ///< req.esi, resp.do_esi: includes are followed
    const client_exchange* top = nullptr;  ///< of the page that this is an include of; null: it is the page
    std::shared_ptr<transaction_log> log;
};

struct origin_exchange {
    client_exchange* client = nullptr;  ///< VCL 3: the request that the fetch belongs to, which vcl_fetch sees
    std::uint64_t xid = 0;
    end_points ends;
    nanoseconds started{0};
    std::string key;
    request_head original, request;
    int retries = 0;
    bool told = false;        ///< its head stands in the log; until then a policy's changes need no records
    bool passed = false;      ///< nothing of it may be stored: pass
    bool background = false;  ///< nobody waits for it
    bool is_hit_for_miss = false, is_hit_for_pass = false;
    bool drop_body = false;  ///< unset bereq.body
    bool do_stream = true, do_esi = false, do_gzip = false, do_gunzip = false;
    std::string backend_hint, storage = "default";
    std::optional<nanoseconds> connect_timeout, first_byte_timeout, between_bytes_timeout;
    picked_backend used;
    std::string used_name;

    response_head response;
    std::string content;  ///< of the origin, or synthetic
    field_list trailers;  ///< behind it
    nanoseconds requested{0}, received{0}, origin_time{0}, ttl{0}, grace{0}, keep{0};
    lifetime said;          ///< by its fields, before the policy changed it
    bool no_store = false;  ///< the client forbids storing
    object_ptr completes;   ///< a stored part, whose rest is asked for
    bool uncacheable = false, was_304 = false, synthetic = false;
    vcl::cookie_jar cookies;
    std::shared_ptr<transaction_log> log;
};

}  // namespace badorigin::cache
