vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    if (req.url ~ "^/esi/" && req.esi_level == 0) {
        return (synth(403));
    }
    if (req.url == "/made") {
        return (synth(200, "Made"));
    }
}

sub vcl_synth {
    if (resp.status == 200) {
        set resp.body = "0123456789";
        return (deliver);
    }
}

sub vcl_backend_response {
    set beresp.do_esi = true;
    if (beresp.status == 200) {
        set beresp.ttl = {ttl};
        set beresp.grace = 0s;
        return (deliver);
    }
    set beresp.uncacheable = true;
    set beresp.ttl = 0s;
    return (deliver);
}
