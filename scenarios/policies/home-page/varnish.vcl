vcl 4.1;

import saintmode;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_init {
    # With this many URLs in saint mode the whole origin counts as sick; 0 would switch saint mode off.
    new app_saint = saintmode.saintmode(app, 100);
}

sub vcl_recv {
    set req.backend_hint = app_saint.backend();
}

sub vcl_backend_fetch {
    set bereq.backend = app_saint.backend();
}

sub vcl_backend_response {
    if (bereq.url == "/" && beresp.status != 200) {
        saintmode.blacklist({saint});
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        return (retry);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
}
