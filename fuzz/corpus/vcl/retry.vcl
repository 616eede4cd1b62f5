vcl 4.1;

backend app {
    .host = "192.0.2.1";
    .port = "80";
}

sub vcl_recv {
    return (pass);
}

sub vcl_backend_error {
    if (bereq.retries < 1) {
        return (retry);
    }
}
