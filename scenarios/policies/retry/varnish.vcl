vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    return (pass);
}

sub vcl_backend_error {
    if (bereq.retries < 1) {
        return (retry);
    }
}
