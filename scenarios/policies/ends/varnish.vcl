vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    set req.http.X-Client = client.ip;
    set req.http.X-Server = server.ip;
    set req.http.X-Remote = remote.ip;
    set req.http.X-Local = local.ip;
    return (pass);
}
