vcl 4.1;

backend sibling {
    .host = "{origin:sibling-2.host}";
    .port = "{origin:sibling-2.port}";
    .first_byte_timeout = {patience};
}
