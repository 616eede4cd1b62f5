vcl 4.1;

import std;

backend app {
    .host = "192.0.2.1";
    .port = "80";
}

sub vcl_recv {
    std.cache_req_body(100KB);
    return (pass);
}

sub vcl_backend_error {
    if (bereq.retries < 1) {
        return (retry);
    }
}
