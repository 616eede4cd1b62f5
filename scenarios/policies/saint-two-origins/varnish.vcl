vcl 4.1;

import directors;
import saintmode;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

backend spare {
    .host = "{origin:spare.host}";
    .port = "{origin:spare.port}";
}

sub vcl_init {
    new app_saint = saintmode.saintmode(app, 100);
    new spare_saint = saintmode.saintmode(spare, 100);
    new both = directors.fallback();
    both.add_backend(app_saint.backend());
    both.add_backend(spare_saint.backend());
}

sub vcl_recv {
    set req.backend_hint = both.backend();
}

sub vcl_backend_fetch {
    set bereq.backend = both.backend();
}

sub vcl_backend_response {
    if (beresp.status >= 500) {
        saintmode.blacklist({saint});
        return (retry);
    }
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
    return (deliver);
}
