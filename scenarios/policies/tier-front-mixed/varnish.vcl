vcl 4.1;

import directors;

probe health {
    .url = "/health";
    .interval = {interval};
    .timeout = 1s;
    .window = 2;
    .threshold = 2;
    .initial = 2;
}

backend back_1 {
    .host = "{origin:back-1.host}";
    .port = "{origin:back-1.port}";
    .probe = health;
}

backend back_2 {
    .host = "{origin:back-2.host}";
    .port = "{origin:back-2.port}";
    .probe = health;
}

sub vcl_init {
    new second_tier = directors.hash();
    second_tier.add_backend(back_1, 1.0);
    second_tier.add_backend(back_2, 1.0);
    new any = directors.random();
    any.add_backend(back_1, 1.0);
    any.add_backend(back_2, 1.0);
}

sub vcl_recv {
    if (req.url ~ "^/my/") {
        set req.backend_hint = any.backend();
        return (pass);
    }
    set req.backend_hint = second_tier.backend(req.url + req.http.host);
}

sub vcl_backend_response {
    set beresp.grace = 0s;
}
