vcl 4.1;

backend app {
    .host = "192.0.2.1";
    .port = "80";
}
