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

backend back_3 {
    .host = "{origin:back-3.host}";
    .port = "{origin:back-3.port}";
    .probe = health;
}

sub vcl_init {
    new second_tier = directors.shard();
    second_tier.add_backend(back_1);
    second_tier.add_backend(back_2);
    second_tier.add_backend(back_3);
    second_tier.reconfigure();
}

sub vcl_recv {
    set req.backend_hint = second_tier.backend(by=URL);
}

sub vcl_backend_response {
    set beresp.grace = 0s;
}
