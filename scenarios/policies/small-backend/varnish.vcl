vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
    .max_connections = 1;
}

sub vcl_recv {
    return (pass);
}
