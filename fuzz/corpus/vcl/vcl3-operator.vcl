backend app {
    .host = "192.0.2.1";
    .port = "80";
}

acl insiders {
    "localhost";
    "127.0.0.0"/8;
    "10.0.0.0"/8;
    "172.16.0.0"/12;
    "192.168.0.0"/16;
}

sub vcl_recv {
    if (req.request == "PURGE") {
        if (!client.ip ~ insiders) {
            error 405 "Not allowed";
        }
        return (lookup);
    }
    if (req.request == "BAN") {
        ban("req.url ~ " req.http.X-Pattern);
        error 200 "Banned";
    }
    if (req.url == "/moved") {
        error 750 "/page";
    }
    remove req.http.Cookie;
}

sub vcl_hit {
    if (req.request == "PURGE") {
        purge;
        error 200 "Purged";
    }
}

sub vcl_miss {
    if (req.request == "PURGE") {
        purge;
        error 404 "Not in cache";
    }
    set bereq.http.X-Tier = "edge " server.hostname;
}

sub vcl_fetch {
    if (req.url ~ "^/private") {
        set beresp.ttl = 120 s;
        return (hit_for_pass);
    }
    set beresp.ttl = 30s;
    set beresp.grace = 0s;
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT " obj.hits;
    } else {
        set resp.http.X-Cache = "MISS";
    }
}

sub vcl_error {
    if (obj.status == 750) {
        set obj.http.Location = obj.response;
        set obj.status = 302;
        return (deliver);
    }
    set obj.http.Content-Type = "text/plain";
    synthetic {"We are sorry: "} obj.status " " obj.response;
    return (deliver);
}
