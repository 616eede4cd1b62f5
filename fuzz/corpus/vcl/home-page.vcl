vcl 4.1;

import saintmode;

backend app {
    .host = "192.0.2.1";
    .port = "80";
}

sub vcl_init {
    # 0: no number of URLs in saint mode makes the whole origin sick.
    new app_saint = saintmode.saintmode(app, 0);
}

sub vcl_recv {
    set req.backend_hint = app_saint.backend();
}

sub vcl_backend_fetch {
    set bereq.backend = app_saint.backend();
}

sub vcl_backend_response {
    if (bereq.url == "/" && beresp.status != 200) {
        saintmode.blacklist(3s);
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        return (retry);
    }
    set beresp.ttl = 3s;
    set beresp.grace = 3s;
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
}
