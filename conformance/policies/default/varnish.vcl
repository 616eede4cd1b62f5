vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

# Stale only where the response allows it (RFC 9111 section 4.2.4): no origin has agreed to a default grace. What is stale is kept, to be validated.
sub vcl_backend_response {
    if (beresp.http.Cache-Control !~ "(?i)stale-while-revalidate=[0-9]") {
        set beresp.grace = 0s;
    }
    set beresp.keep = 1h;
}
