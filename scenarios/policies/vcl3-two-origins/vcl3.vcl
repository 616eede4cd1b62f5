director both fallback {
    { .backend = { .host = "{origin:app.host}"; .port = "{origin:app.port}"; } }
    { .backend = { .host = "{origin:spare.host}"; .port = "{origin:spare.port}"; } }
}

sub vcl_recv {
    set req.backend = both;
}

sub vcl_fetch {
    if (beresp.status >= 500) {
        set beresp.saintmode = {saint};
        return (restart);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = 0s;
}
