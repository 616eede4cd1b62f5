vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_hash {
    if (req.http.Sec-CH-UA-Mobile == "?1") {
        hash_data("phone");
    }
}

sub vcl_backend_response {
    set beresp.grace = 0s;
    if (beresp.http.Cache-Control ~ "no-store") {
        set beresp.uncacheable = true;
        set beresp.ttl = 60s;
        return (deliver);
    }
    set beresp.ttl = {ttl};
    return (deliver);
}
