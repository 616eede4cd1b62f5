vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    if (req.method == "POST" || req.method == "PUT") {
        return (pipe);
    }
    return (pass);
}
