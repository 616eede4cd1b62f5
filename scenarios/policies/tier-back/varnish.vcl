vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    if (req.url == "/health") {
        return (synth(200));
    }
}

sub vcl_backend_response {
    set beresp.grace = 0s;
}
