vcl 4.1;

backend sibling {
    .host = "{origin:sibling-1.host}";
    .port = "{origin:sibling-1.port}";
    .first_byte_timeout = {patience};
}
