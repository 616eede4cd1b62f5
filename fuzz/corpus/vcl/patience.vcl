vcl 4.1;

backend app {
    .host = "192.0.2.1";
    .port = "80";
    .first_byte_timeout = 3s;
    .between_bytes_timeout = 3s;
}

sub vcl_recv {
    return (pass);
}
