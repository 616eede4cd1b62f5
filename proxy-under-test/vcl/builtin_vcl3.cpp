// Does what Varnish 3's default VCL does, in its language. What VCL 3 has no word for is said in VCL 4: a failed fetch is the client's
// error, so that vcl_error answers it.
#include "proxy-under-test/vcl/builtin.h"

namespace badorigin::cache::vcl {

std::string builtin_source_of_3() {
    return std::string(R"vcl(
sub vcl_recv {
    if (req.request !~ "^(GET|HEAD|PUT|POST|TRACE|OPTIONS|DELETE)$") { return (pipe); }
    if (req.request != "GET" && req.request != "HEAD") { return (pass); }
    if (req.http.Authorization || req.http.Cookie) { return (pass); }
    return (lookup);
}
sub vcl_hash {
    hash_data(req.url);
    if (req.http.host) {
        hash_data(req.http.host);
    } else {
        hash_data(server.ip);
    }
    return (hash);
}
sub vcl_pipe { return (pipe); }
sub vcl_pass { return (pass); }
sub vcl_hit { return (deliver); }
sub vcl_miss { return (fetch); }
sub vcl_fetch {
    if (beresp.ttl <= 0s || beresp.http.Set-Cookie || beresp.http.Vary == "*") {
        # Not to be stored: for two minutes nobody waits for anybody here.
        set beresp.ttl = 120 s;
        return (hit_for_pass);
    }
    return (deliver);
}
sub vcl_deliver { return (deliver); }
sub vcl_error {
    set obj.http.Content-Type = "text/html; charset=utf-8";
    set obj.http.Retry-After = "5";
    synthetic )vcl") +
           error_page("obj", "response", "req", " ") + R"vcl(;
    return (deliver);
}
sub vcl_init { return (ok); }
sub vcl_fini { return (ok); }
)vcl";
}

std::string_view builtin_behind_3() {
    return R"vcl(vcl 4.0;
sub vcl_purge { return (synth(200, "Purged")); }
sub vcl_backend_fetch { return (fetch); }
sub vcl_backend_error { return (abandon); }
)vcl";
}

}  // namespace badorigin::cache::vcl
