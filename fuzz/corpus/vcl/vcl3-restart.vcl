backend app {
    .host = "192.0.2.1";
    .port = "80";
}

# Always sick: its health check has not been good once, and is not due again for a day.
backend nobody {
    .host = "192.0.2.1";
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
        set req.grace = 5s;
    } else {
        set req.backend = nobody;
        set req.grace = 60s;
    }
}

sub vcl_fetch {
    set beresp.ttl = 30s;
    set beresp.grace = 60s;
}

sub vcl_error {
    if (req.restarts == 0 && (req.request == "GET" || req.request == "HEAD")) {
        return (restart);
    }
}
