vcl 4.1;

import saintmode;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_init {
    new app_saint = saintmode.saintmode(app, 10);
}

sub vcl_recv {
    set req.backend_hint = app_saint.backend();
}

sub vcl_backend_fetch {
    set bereq.backend = app_saint.backend();
}

sub vcl_backend_response {
    if (beresp.status >= 500) {
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
