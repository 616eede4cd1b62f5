vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
    .proxy_header = {version};
}

sub vcl_recv {
    return (pass);
}
