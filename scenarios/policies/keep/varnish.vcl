vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_backend_response {
    set beresp.ttl = {ttl};
    set beresp.grace = 0s;
    set beresp.keep = {keep};
    return (deliver);
}
