vcl 4.1;

import directors;
import saintmode;

backend app {
    .host = "192.0.2.1";
    .port = "80";
}

backend spare {
    .host = "192.0.2.1";
    .port = "80";
}

sub vcl_init {
    new app_saint = saintmode.saintmode(app, 0);
    new spare_saint = saintmode.saintmode(spare, 0);
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
        saintmode.blacklist(3s);
        return (retry);
    }
    set beresp.ttl = 3s;
    set beresp.grace = 3s;
    return (deliver);
}
