vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_backend_response {
    set beresp.do_gzip = true;
    set beresp.ttl = {ttl};
    set beresp.grace = 0s;
    return (deliver);
}
