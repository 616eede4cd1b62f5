vcl 4.1;

import saintmode;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
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
