vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

# Always sick: who is sent here is answered from the store, as long as grace lasts, or not at all.
backend nobody none;

sub vcl_recv {
    if (req.restarts == 0) {
        set req.backend_hint = app;
        set req.grace = {fresh_grace};
    } else {
        set req.backend_hint = nobody;
        set req.grace = {grace};
    }
}

sub vcl_backend_response {
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
}

sub vcl_deliver {
    if (resp.status == 503 && req.restarts == 0) {
        return (restart);
    }
}
