backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
    .saintmode_threshold = 10;
}

sub vcl_fetch {
    if (beresp.status >= 500) {
        set beresp.saintmode = {saint};
        return (restart);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = 0s;
}
