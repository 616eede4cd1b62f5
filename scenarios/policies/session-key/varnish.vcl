vcl 4.1;

import cookie;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

# Of all cookies the session alone decides who sees what.
sub vcl_recv {
    cookie.parse(req.http.Cookie);
    cookie.keep("session");
    set req.http.X-Session = cookie.get("session");
    unset req.http.Cookie;
    return (hash);
}

sub vcl_hash {
    hash_data(req.http.X-Session);
}

sub vcl_backend_response {
    set beresp.ttl = {ttl};
    set beresp.grace = 0s;
    return (deliver);
}
