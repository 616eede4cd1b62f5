vcl 4.1;

import std;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
    .probe = {
        .url = "/health";
        .interval = {interval};
        .timeout = {timeout};
        .window = 2;
        .threshold = 1;
        .initial = 1;
    }
}

sub vcl_recv {
    if (std.healthy(req.backend_hint)) {
        set req.grace = {fresh_grace};
    } else {
        set req.grace = {grace};
    }
}

sub vcl_backend_response {
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = {kept};
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
}
