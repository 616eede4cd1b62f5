// Does what Varnish 7.1's built-in VCL does, subroutine by subroutine and under its names, so that a policy may put its own code
// before each part (`sub vcl_req_cookie { return; }` lets requests with cookies be looked up, here as there).
#include "proxy-under-test/vcl/builtin.h"

#include <fmt/format.h>

namespace badorigin::cache::vcl {

std::string error_page(std::string_view response, std::string_view reason, std::string_view request, std::string_view joint) {
    return fmt::format(R"vcl({{"<!DOCTYPE html>
<html><head><title>"}}{3}{0}.status{3}" "{3}{0}.{1}{3}{{"</title></head>
<body><h1>"}}{3}{0}.status{3}" "{3}{0}.{1}{3}{{"</h1>
<p>Guru Meditation. XID: "}}{3}{2}.xid{3}{{"</p></body></html>
"}})vcl",
                       response, reason, request, joint);
}

std::string builtin_source() {
    return std::string(R"vcl(vcl 4.0;

# A request comes in: pass, pipe, refuse, or look it up.
sub vcl_recv {
    call vcl_builtin_recv;
    return (hash);
}
sub vcl_builtin_recv {
    call vcl_req_host;
    call vcl_req_method;
    call vcl_req_authorization;
    call vcl_req_cookie;
}
sub vcl_req_host {
    # Host is compared octet by octet in the cache key, so one spelling is needed.
    if (req.http.host ~ "[[:upper:]]") { set req.http.host = req.http.host.lower(); }
    if (!req.http.host && req.esi_level == 0 && req.proto == "HTTP/1.1") { return (synth(400)); }
}
sub vcl_req_method {
    # PRI opens an HTTP/2 connection and is never a request.
    if (req.method == "PRI") { return (synth(405)); }
    if (req.method == "GET" || req.method == "HEAD") { return; }
    if (req.method ~ "^(PUT|POST|PATCH|DELETE|OPTIONS|TRACE)$") { return (pass); }
    # CONNECT, and what we have never heard of.
    return (pipe);
}
sub vcl_req_authorization {
    if (req.http.Authorization) { return (pass); }
}
sub vcl_req_cookie {
    if (req.http.Cookie) { return (pass); }
}

sub vcl_hash {
    call vcl_builtin_hash;
    return (lookup);
}
sub vcl_builtin_hash {
    hash_data(req.url);
    if (!req.http.host) {
        hash_data(server.ip);
    } else {
        hash_data(req.http.host);
    }
}

sub vcl_pipe { call vcl_builtin_pipe; return (pipe); }
sub vcl_pass { call vcl_builtin_pass; return (fetch); }
sub vcl_hit { call vcl_builtin_hit; return (deliver); }
sub vcl_miss { call vcl_builtin_miss; return (fetch); }
sub vcl_purge { call vcl_builtin_purge; return (synth(200, "Purged")); }
sub vcl_deliver { call vcl_builtin_deliver; return (deliver); }
sub vcl_builtin_pipe { }
sub vcl_builtin_pass { }
sub vcl_builtin_hit { }
sub vcl_builtin_miss { }
sub vcl_builtin_purge { }
sub vcl_builtin_deliver { }

# Answers of our own.
sub vcl_synth {
    call vcl_builtin_synth;
    return (deliver);
}
sub vcl_builtin_synth {
    set resp.http.Content-Type = "text/html; charset=utf-8";
    set resp.http.Retry-After = "5";
    set resp.body = )vcl") +
           error_page("resp", "reason", "req", " + ") + R"vcl(;
}

# The origin's side.
sub vcl_backend_fetch {
    call vcl_builtin_backend_fetch;
    return (fetch);
}
sub vcl_builtin_backend_fetch {
    if (bereq.method == "GET") { unset bereq.body; }
}

sub vcl_backend_response {
    call vcl_builtin_backend_response;
    return (deliver);
}
sub vcl_builtin_backend_response {
    if (bereq.uncacheable) { return (deliver); }
    call vcl_beresp_stale;
    call vcl_beresp_cookie;
    call vcl_beresp_control;
    call vcl_beresp_vary;
}
sub vcl_beresp_stale {
    if (beresp.ttl <= 0s) { call vcl_beresp_hitmiss; }
}
sub vcl_beresp_cookie {
    if (beresp.http.Set-Cookie) { call vcl_beresp_hitmiss; }
}
sub vcl_beresp_control {
    # Surrogate-Control is meant for us, and where it is, Cache-Control is for those behind us.
    if (beresp.http.Surrogate-Control) {
        if (beresp.http.Surrogate-Control ~ "(?i)no-store") { call vcl_beresp_hitmiss; }
    } elseif (beresp.http.Cache-Control ~ "(?i)no-cache|no-store|private") {
        call vcl_beresp_hitmiss;
    }
}
sub vcl_beresp_vary {
    if (beresp.http.Vary == "*") { call vcl_beresp_hitmiss; }
}
sub vcl_beresp_hitmiss {
    # For two minutes nobody waits for anybody here.
    set beresp.ttl = 120s;
    set beresp.uncacheable = true;
    return (deliver);
}

sub vcl_backend_error {
    call vcl_builtin_backend_error;
    return (deliver);
}
sub vcl_builtin_backend_error {
    set beresp.http.Content-Type = "text/html; charset=utf-8";
    set beresp.http.Retry-After = "5";
    set beresp.body = )vcl" +
           error_page("beresp", "reason", "bereq", " + ") + R"vcl(;
}

sub vcl_init { return (ok); }
sub vcl_fini { return (ok); }
)vcl";
}

std::string_view rfc_source() {
    return R"vcl(vcl 4.0;

sub vcl_req_method {
    # There is no tunnel to be had; a method that is not known goes on like any other.
    if (req.method == "CONNECT") { return (synth(501)); }
    if (req.method !~ "^(GET|HEAD|PRI|CONNECT)$") { return (pass); }
}
# Whether an answer may be stored, it says itself (RFC 9111 3.5, 7.3).
sub vcl_req_authorization { return; }
sub vcl_req_cookie { return; }

sub vcl_beresp_stale {
    # Neither fresh, nor ever to be served stale or validated.
    if (beresp.ttl + beresp.grace + beresp.keep <= 0s) { call vcl_beresp_hitmiss; }
    return;
}
sub vcl_beresp_cookie { return; }
sub vcl_beresp_control {
    # Whatever lifetime a policy has given to it. What stands in quotes is no directive.
    if (!beresp.http.CDN-Cache-Control && beresp.http.Cache-Control !~ "(?i)must-understand"
        && regsuball(beresp.http.Cache-Control, {""[^"]*""}, "") ~ "(?i)(^|,)[ \t]*(no-store|private)[ \t]*(=|,|$)") {
        call vcl_beresp_hitmiss;
    }
    return;
}
)vcl";
}

}  // namespace badorigin::cache::vcl
