vcl 4.1;

import purge;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        return (purge);
    }
    if (req.method == "SOFTPURGE") {
        return (hash);
    }
}

sub vcl_hit {
    if (req.method == "SOFTPURGE") {
        purge.soft();
        return (synth(200, "Purged softly"));
    }
}

sub vcl_miss {
    if (req.method == "SOFTPURGE") {
        return (synth(404, "Not in cache"));
    }
}

sub vcl_backend_response {
    set beresp.ttl = {ttl};
    set beresp.grace = {grace};
    return (deliver);
}
