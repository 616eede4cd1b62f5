// Policies as they are really written.
#include "tests/unit/vcl/support.h"

namespace badorigin::cache::vcl {
namespace {

constexpr const char* saint = R"(vcl 4.1;
import std;
import saintmode;

backend app { .host = "127.0.0.1"; .port = "9001"; .first_byte_timeout = 60s; }

sub vcl_init { new sm = saintmode.saintmode(app, 0); }
sub vcl_recv { set req.backend_hint = sm.backend(); }
sub vcl_backend_response {
    set beresp.ttl = 30s;
    set beresp.grace = 30s;
    if (beresp.status >= 500) {
        saintmode.blacklist(90s);
        if (bereq.is_bgfetch) { return (abandon); }
        return (retry);
    }
}
)";

TEST(vcl_policies, saint_mode_loads_with_its_object) {
    const auto loaded = load(saint);
    ASSERT_EQ(loaded->objects().size(), 1U);
    EXPECT_EQ(loaded->objects()[0].arguments, (std::vector<value>{backend_ref{"app"}, std::int64_t{0}}));
    EXPECT_EQ(loaded->backends()[0].first_byte_timeout, std::chrono::seconds(60));
}

TEST(vcl_policies, saint_mode_asks_its_object_for_the_backend) {
    fake_context in;
    in.known["req.method"] = std::string("GET");
    in.known["req.http.host"] = std::string("h");
    in.answers["sm.backend"] = backend_ref{"sm"};
    EXPECT_EQ(load(saint)->run(subroutine::recv, in).what, action::hash);
    EXPECT_EQ(in.known["req.backend_hint"], value(backend_ref{"sm"}));
}

TEST(vcl_policies, saint_mode_blacklists_and_retries_or_gives_up) {
    for (const bool background : {false, true}) {
        fake_context in;
        in.known["beresp.status"] = std::int64_t{503};
        in.known["bereq.is_bgfetch"] = background;
        EXPECT_EQ(load(saint)->run(subroutine::backend_response, in).what, background ? action::abandon : action::retry);
        EXPECT_EQ(in.calls["saintmode.blacklist"], std::vector<value>{duration{std::chrono::seconds(90)}});
    }
}

TEST(vcl_policies, saint_mode_stores_a_good_answer_for_the_time_it_says) {
    fake_context in;
    in.known["beresp.status"] = std::int64_t{200};
    in.known["bereq.uncacheable"] = false;
    EXPECT_EQ(load(saint)->run(subroutine::backend_response, in).what, action::deliver);
    EXPECT_EQ(in.text("beresp.ttl"), "30.000");
    EXPECT_EQ(in.text("beresp.grace"), "30.000");
    EXPECT_TRUE(in.calls.empty());
}

TEST(vcl_policies, purge_by_acl_and_grace_by_health) {
    const auto loaded = load(R"(vcl 4.0;
import std;
import directors;
backend one { .host = "192.0.2.1"; .probe = { .url = "/up"; .interval = 1s; } }
backend two { .host = "192.0.2.2"; }
acl purgers { "127.0.0.1"; "10.0.0.0"/8; }
sub vcl_init {
    new cluster = directors.round_robin();
    cluster.add_backend(one);
    cluster.add_backend(two);
}
sub vcl_recv {
    set req.backend_hint = cluster.backend();
    if (req.method == "PURGE") {
        if (!client.ip ~ purgers) { return (synth(405, "Not from " + client.ip)); }
        return (purge);
    }
    if (req.url ~ "\.(png|css)$") { unset req.http.Cookie; }
    set req.url = std.querysort(regsuball(req.url, "([?&])utm_[a-z]+=[^&]*", "\1"));
    if (std.healthy(req.backend_hint)) { set req.grace = 10s; } else { set req.grace = 1h; }
    if (req.restarts > 0) { set req.hash_always_miss = true; }
}
sub vcl_hit { if (obj.ttl >= 0s || obj.ttl + 10s > 0s) { return (deliver); } return (pass); }
sub vcl_deliver {
    if (obj.hits > 0) { set resp.http.X-Cache = "HIT " + obj.hits; } else { set resp.http.X-Cache = "MISS"; }
    unset resp.http.Via;
}
)");
    ASSERT_TRUE(loaded);
    fake_context in;
    in.answers["cluster.backend"] = backend_ref{"cluster"};
    in.answers["std.healthy"] = false;
    in.known["req.method"] = std::string("PURGE");
    in.known["client.ip"] = ip{"192.0.2.3"};
    const auto refused = loaded->run(subroutine::recv, in);
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.reason, "Not from 192.0.2.3");
    in.known["client.ip"] = ip{"10.1.2.3"};
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::purge);

    in.known["req.method"] = std::string("GET");
    in.known["req.http.host"] = std::string("h");
    in.known["req.url"] = std::string("/x?utm_source=a&b=1&a=2");
    EXPECT_EQ(loaded->run(subroutine::recv, in).what, action::hash);
    EXPECT_EQ(in.text("req.url"), "/x?a=2&b=1");
    EXPECT_EQ(in.text("req.grace"), "3600.000");

    in.known["obj.hits"] = std::int64_t{3};
    loaded->run(subroutine::deliver, in);
    EXPECT_EQ(in.text("resp.http.X-Cache"), "HIT 3");
}

}  // namespace
}  // namespace badorigin::cache::vcl
