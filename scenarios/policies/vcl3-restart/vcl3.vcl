backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

# Always sick: its health check has not been good once, and is not due again for a day.
backend nobody {
    .host = "{origin:app.host}";
    .port = "1";
    .probe = {
        .url = "/never-there";
        .initial = 0;
        .interval = 1d;
    }
}

sub vcl_recv {
    if (req.restarts == 0) {
        set req.backend = app;
        set req.grace = {fresh_grace};
    } else {
        set req.backend = nobody;
        set req.grace = {grace};
    }
}

sub vcl_fetch {
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
}

sub vcl_error {
    if (req.restarts == 0 && (req.request == "GET" || req.request == "HEAD")) {
        return (restart);
    }
}
