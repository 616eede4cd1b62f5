vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    set req.http.X-Top = req_top.method + " " + req_top.url;
}

sub vcl_backend_response {
    set beresp.do_esi = bereq.url == "/with-part";
    set beresp.http.X-Age-Then = beresp.age;
    set beresp.http.X-Backend = beresp.backend;
    set beresp.http.X-Was-304 = beresp.was_304;
    set beresp.ttl = {ttl};
    set beresp.grace = 0s;
    set beresp.keep = {keep};
    return (deliver);
}

sub vcl_deliver {
    set resp.http.X-Age-Now = obj.age;
    set resp.http.X-Streaming = resp.is_streaming;
}
