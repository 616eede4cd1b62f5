vcl 4.1;

backend app {
    .host = "{origin:app.host}";
    .port = "{origin:app.port}";
}

# Every response is made here; no origin is asked.
sub vcl_recv {
    return (synth(200, "Made here"));
}

sub vcl_synth {
    set resp.http.Content-Type = "text/plain";
    synthetic("made here");
    return (deliver);
}
