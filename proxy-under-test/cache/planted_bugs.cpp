#include "proxy-under-test/cache/planted_bugs.h"

#include <algorithm>
#include <array>
#include <bitset>

namespace badorigin::cache {

namespace {
constexpr auto table = std::to_array<bug_description>({
    {bug::body_lost_on_fresh_connection, "body-lost-on-fresh-connection", "sends a passed request without its body on a fresh connection",
     "body forwarded whole"},
    {bug::body_lost_on_reused_connection, "body-lost-on-reused-connection",
     "sends a passed request without its body on a reused connection", "body forwarded whole"},
    {bug::body_lost_on_retry, "body-lost-on-retry", "sends a kept body with the first attempt only", "body forwarded whole"},
    {bug::truncate_client_body, "truncate-client-body", "forwards all of a body but its last byte", "body forwarded whole"},
    {bug::retry_with_half_the_body, "retry-with-half-the-body", "sends half of a kept body after the first attempt",
     "body forwarded whole"},
    {bug::pad_short_client_body, "pad-short-client-body", "fills up the body of a client that went away too early", "body forwarded whole"},
    {bug::drop_trailers, "drop-trailers", "forwards and delivers no trailer fields", "expectation of the scenario"},
    {bug::merge_trailers, "merge-trailers", "takes the trailer fields of a response for header fields", "expectation of the scenario"},
    {bug::resend_post_after_eof, "resend-post-after-eof", "sends a POST again when a reused connection ends without an answer",
     "no automatic retry of a non-idempotent request"},
    {bug::retry_storm, "retry-storm", "sends a failed GET again twenty times", "origin load bounded"},
    {bug::no_retry, "no-retry", "ignores return (retry)", "expectation of the scenario"},
    {bug::no_restart, "no-restart", "answers an error where the policy restarts", "expectation of the scenario"},
    {bug::ignore_pipe, "ignore-pipe", "passes what should be piped", "expectation of the scenario"},
    {bug::wait_without_end, "wait-without-end", "ignores the timeout for an origin's first byte", "expectation of the scenario"},
    {bug::no_proxy_header, "no-proxy-header", "does not tell an origin by a PROXY header who the client is", "expectation of the scenario"},
    {bug::reuse_connection_of_another_client, "reuse-connection-of-another-client",
     "sends a client's request over a connection whose PROXY header names another", "expectation of the scenario"},
    {bug::ignore_max_connections, "ignore-max-connections", "opens more connections to an origin than the policy allows",
     "expectation of the scenario"},
    {bug::hash_by_turn, "hash-by-turn", "chooses by turn where the policy chooses an origin by hash", "expectation of the scenario"},
    {bug::random_by_hash, "random-by-hash", "chooses by hash where the policy chooses an origin by chance", "expectation of the scenario"},
    {bug::shard_reshuffles, "shard-reshuffles", "chooses anew for every key when one of a shard's origins is sick",
     "expectation of the scenario"},
    {bug::pass_unsolicited_304, "pass-unsolicited-304", "delivers a 304 that nobody asked for", "304 only to who asked conditionally"},
    {bug::crash_on_unsolicited_304, "crash-on-unsolicited-304", "aborts on a 304 that nobody asked for",
     "alive and serving after the fault"},
    {bug::accept_stale_304, "accept-stale-304", "refreshes a stored response by a 304 with another entity tag",
     "validation updates what it must"},
    {bug::no_update_on_validation, "no-update-on-validation", "keeps age and fields of a stored response that a 304 confirmed",
     "validation updates what it must"},
    {bug::combine_other_representations, "combine-other-representations", "completes a stored part by one with another entity tag",
     "expectation of the scenario"},
    {bug::store_truncated, "store-truncated", "stores a response whose body ended early",
     "incomplete response neither stored nor passed as complete"},
    {bug::pass_truncated_as_complete, "pass-truncated-as-complete", "delivers a passed response whose body ended early as if whole",
     "incomplete response neither stored nor passed as complete"},
    {bug::accept_headerless, "accept-headerless", "takes bytes without a header as the body of a 200",
     "incomplete response neither stored nor passed as complete"},
    {bug::hang_on_headerless, "hang-on-headerless", "waits for the timeout when an answer has no header", "expectation of the scenario"},
    {bug::reuse_broken_connection, "reuse-broken-connection",
     "reuses an origin connection after a broken message, with the bytes left on it", "nothing of a broken message reused"},
    {bug::spin_on_stalled_origin, "spin-on-stalled-origin", "burns CPU while an origin does not answer", "no CPU burnt while waiting"},
    {bug::spin_on_headerless_probe, "spin-on-headerless-probe", "burns CPU until the probe's timeout when its answer has no header",
     "no CPU burnt while waiting"},
    {bug::probe_too_often, "probe-too-often", "probes three times in an interval", "expectation of the scenario"},
    {bug::probe_when_unused, "probe-when-unused", "goes on probing for a configuration that was discarded", "expectation of the scenario"},
    {bug::sick_by_last_probe, "sick-by-last-probe", "takes an origin for sick or well by its last probe alone",
     "expectation of the scenario"},
    {bug::leak_descriptor_on_failed_fetch, "leak-descriptor-on-failed-fetch", "leaves a descriptor open for each failed fetch",
     "no descriptor or memory left behind"},
    {bug::leak_memory_on_failed_fetch, "leak-memory-on-failed-fetch", "leaves 4 MiB behind for each failed fetch",
     "no descriptor or memory left behind"},
    {bug::crash_on_failed_fetch, "crash-on-failed-fetch", "aborts when a fetch fails", "alive and serving after the fault"},
    {bug::ignore_grace, "ignore-grace", "never serves stale", "expectation of the scenario"},
    {bug::serve_beyond_grace, "serve-beyond-grace", "serves stale however old", "stale only within grace"},
    {bug::refresh_for_every_stale_hit, "refresh-for-every-stale-hit", "starts a refresh for every stale hit",
     "one fetch in flight per object"},
    {bug::refresh_in_front, "refresh-in-front", "lets the client wait for the refresh when too many are under way",
     "expectation of the scenario"},
    {bug::ignore_saint, "ignore-saint", "asks an origin for what is in saint mode there", "saint window kept"},
    {bug::saint_ends_early, "saint-ends-early", "ends saint mode after half its time", "saint window kept"},
    {bug::no_collapsing, "no-collapsing", "fetches for every request at once", "one fetch in flight per object"},
    {bug::mix_up_waiters, "mix-up-waiters", "answers who waited with the newest object of another key",
     "no answer delivered to the wrong request"},
    {bug::no_age, "no-age", "delivers without Age", "Age honest"},
    {bug::frozen_age, "frozen-age", "delivers the Age that the response came with", "Age honest"},
    {bug::ignore_upstream_age, "ignore-upstream-age", "takes every response as new, whatever its Age", "Age honest"},
    {bug::ignore_vary, "ignore-vary", "delivers any variant", "private content stays with its key"},
    {bug::ignore_hash_data, "ignore-hash-data", "makes the cache key from URL and host alone", "private content stays with its key"},
    {bug::ignore_ban, "ignore-ban", "delivers what was banned", "expectation of the scenario"},
    {bug::ignore_purge, "ignore-purge", "delivers what was purged", "expectation of the scenario"},
    {bug::never_evict, "never-evict", "lets a storage area grow beyond its limit", "expectation of the scenario"},
    {bug::one_store_for_all, "one-store-for-all", "puts all objects into one storage area", "expectation of the scenario"},
    {bug::store_error, "store-error", "stores a 5xx like a 200", "expectation of the scenario"},
    {bug::store_private, "store-private", "stores what says private", "private content stays with its key"},
    {bug::ignore_proxy_header, "ignore-proxy-header", "takes the ends of the connection for what a PROXY header says",
     "expectation of the scenario"},
    {bug::accept_malformed_proxy_header, "accept-malformed-proxy-header",
     "serves a connection that begins with no PROXY header, or none that is one", "no answer delivered to the wrong request"},
    {bug::accept_bare_cr, "accept-bare-cr", "takes a bare CR as the end of a line", "framing ambiguities refused"},
    {bug::serve_http_0_9, "serve-http-0-9", "takes a request line without a version for HTTP/1.0", "expectation of the scenario"},
    {bug::accept_several_content_length, "accept-several-content-length", "takes the last of several Content-Length fields",
     "framing ambiguities refused"},
    {bug::forward_content_length_with_transfer_encoding, "forward-content-length-with-transfer-encoding",
     "accepts and forwards Content-Length beside Transfer-Encoding", "framing ambiguities refused"},
    {bug::forward_hop_by_hop, "forward-hop-by-hop", "forwards hop-by-hop fields", "hop-by-hop fields stay on their hop"},
    {bug::forwarded_for_apart, "forwarded-for-apart", "forwards several X-Forwarded-For fields as they came",
     "expectation of the scenario"},
    {bug::request_timeout_from_idle, "request-timeout-from-idle", "counts the request timeout from when the connection went idle",
     "expectation of the scenario"},
    {bug::no_cap_on_clients, "no-cap-on-clients", "serves any number of clients at once", "expectation of the scenario"},
    {bug::ignore_esi, "ignore-esi", "delivers a page with its ESI elements as they are", "expectation of the scenario"},
    {bug::ignore_onerror, "ignore-onerror", "shows what an include failed with, whatever its onerror says", "expectation of the scenario"},
    {bug::includes_without_end, "includes-without-end", "follows includes within includes ten times as deep",
     "expectation of the scenario"},
    {bug::page_as_a_whole, "page-as-a-whole", "sends a page once all its includes are there", "expectation of the scenario"},
    {bug::crash_on_bad_page, "crash-on-bad-page", "aborts when a page cannot be searched for includes",
     "alive and serving after the fault"},
    {bug::length_of_the_packed, "length-of-the-packed", "tells a client of HTTP/1.0 the packed length of what it unpacks for it",
     "expectation of the scenario"},
    {bug::range_of_synthesized, "range-of-synthesized", "answers a range of a synthesized response with that range",
     "expectation of the scenario"},
    {bug::unconditional_304, "unconditional-304", "answers hits with 304 to clients that set no condition",
     "304 only to who asked conditionally"},
});
std::bitset<table.size()> active;
std::size_t index_of(bug which) {
    return static_cast<std::size_t>(std::ranges::find(table, which, &bug_description::which) - table.begin());
}
}  // namespace

std::span<const bug_description> planted_bug_table() {
    return table;
}

std::optional<bug> bug_named(std::string_view id) {
    const auto found = std::ranges::find(table, id, &bug_description::id);
    if (found == table.end()) return std::nullopt;
    return found->which;
}

void plant(bug which) {
    active.set(index_of(which));
}
void uproot_all() {
    active.reset();
}
bool planted(bug which) {
    return active.any() && active.test(index_of(which));
}

}  // namespace badorigin::cache
