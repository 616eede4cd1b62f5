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
    if (req.backend.healthy) {
        set req.grace = {fresh_grace};
    } else {
        set req.grace = {grace};
    }
}

sub vcl_fetch {
    set beresp.ttl = {ttl};
    set beresp.grace = {kept};
}
