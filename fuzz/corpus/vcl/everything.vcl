vcl 4.1;
import std;
import directors;
probe p { .request = "GET / HTTP/1.1" "Host: x"; .interval = 1s; .window = 5; .threshold = 3; }
backend a { .host = "192.0.2.1"; .port = "80"; .probe = p; .connect_timeout = 1.5s; }
backend b none;
acl inside -pedantic +table { ! "192.0.2.7"/24; ("x"); "2001:db8::"/32; "localhost"; }
sub vcl_init {
    new d = directors.random();
    d.add_backend(a, 1.5);
    new s = directors.shard();
    s.add_backend(b, weight = 2);
}
sub vcl_recv {
    /* long */ // short
    if (!client.ip ~ inside && req.http.X == "a" + "b" || req.restarts % 2 * -3 >= 1) {
        set req.url = regsuball(req.url, "(a)|b", "\1\&") + {"x"y"} + """z""";
    } elsif (req.http.q-r) { call helper; } else { return (synth(404, "n" + now)); }
    set req.backend_hint = s.backend(by = URL, alt = 1);
    set req.grace = std.duration("1h", 5s) + 10ms;
    ban("req.url ~ " + req.url);
}
sub helper { unset req.http.Cookie; if (std.ban("obj.age > 1m && req.url == /")) { return; } return (pass); }
sub vcl_synth { synthetic(resp.reason.upper()); set resp.body += "x"; }
sub vcl_backend_response { set beresp.ttl *= 1.5; set beresp.status = 404; set beresp.grace = 10 s; return (retry); }
