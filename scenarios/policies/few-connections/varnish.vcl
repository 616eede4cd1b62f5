vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
    .first_byte_timeout = {patience};
    .between_bytes_timeout = {patience};
}

sub vcl_recv {
    return (pass);
}
