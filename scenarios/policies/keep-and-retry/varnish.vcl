vcl 4.1;

import std;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
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
