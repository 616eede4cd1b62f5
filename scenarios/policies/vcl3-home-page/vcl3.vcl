backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    set req.grace = {grace};
}

sub vcl_fetch {
    if (req.url == "/" && beresp.status != 200) {
        set beresp.saintmode = {saint};
        return (restart);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
}
