backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    # How stale a copy this request would take.
    set req.grace = {grace};
}

sub vcl_fetch {
    set beresp.ttl = {ttl};
    # How long a copy is kept after that.
    set beresp.grace = {grace};
}
