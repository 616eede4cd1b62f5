vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
    .probe = {
        .url = "/health";
        .interval = {interval};
        .timeout = {timeout};
        .window = 3;
        .threshold = 2;
        .initial = 1;
    }
}

sub vcl_backend_response {
    set beresp.ttl = 0s;
    set beresp.uncacheable = true;
    return (deliver);
}
