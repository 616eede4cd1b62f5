vcl 4.1;

import std;

backend app {
    .host = "192.0.2.1";
    .port = "80";
    .probe = {
        .url = "/health";
        .interval = 3s;
        .timeout = 3s;
        .window = 2;
        .threshold = 1;
        .initial = 1;
    }
}

sub vcl_recv {
    if (std.healthy(req.backend_hint)) {
        set req.grace = 3s;
    } else {
        set req.grace = 3s;
    }
}

sub vcl_backend_response {
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon);
    }
    set beresp.ttl = 3s;
    set beresp.grace = 3s;
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
}
