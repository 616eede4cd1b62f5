backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    set req.grace = {grace};
}

sub vcl_fetch {
    if (beresp.status >= 500) {
        set beresp.saintmode = {saint};
        return (restart);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
}
