vcl 4.1;

backend app {
    .host = "192.0.2.1";
    .port = "80";
    .probe = {
        .url = "/health";
        .interval = 3s;
        .timeout = 3s;
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
