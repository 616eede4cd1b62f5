// The errors that the cache can be told to commit, so that every rule of the judge is proven to see its own.
//
// Each is tested in exactly one place, where the honest decision is made: `if (planted(bug::x))`.
// A new one is a line in the table of planted_bugs.cpp, an enumerator here, and that test.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace badorigin::cache {

enum class bug {
    // the request's body on its way to the origin
    body_lost_on_fresh_connection,
    body_lost_on_reused_connection,
    body_lost_on_retry,
    truncate_client_body,
    retry_with_half_the_body,
    // attempts
    resend_post_after_eof,
    retry_storm,
    no_retry,
    no_restart,
    ignore_pipe,
    wait_without_end,
    no_proxy_header,
    reuse_connection_of_another_client,
    ignore_max_connections,
    hash_by_turn,
    random_by_hash,
    shard_reshuffles,
    // what origins answer
    pass_unsolicited_304,
    crash_on_unsolicited_304,
    accept_stale_304,
    no_update_on_validation,
    combine_other_representations,
    store_truncated,
    pass_truncated_as_complete,
    accept_headerless,
    hang_on_headerless,
    reuse_broken_connection,
    spin_on_stalled_origin,
    spin_on_headerless_probe,
    probe_too_often,
    probe_when_unused,
    sick_by_last_probe,
    leak_descriptor_on_failed_fetch,
    leak_memory_on_failed_fetch,
    crash_on_failed_fetch,
    // the stored response
    ignore_grace,
    serve_beyond_grace,
    refresh_for_every_stale_hit,
    refresh_in_front,
    ignore_saint,
    saint_ends_early,
    no_collapsing,
    mix_up_waiters,
    no_age,
    frozen_age,
    ignore_upstream_age,
    ignore_vary,
    ignore_hash_data,
    ignore_ban,
    ignore_purge,
    never_evict,
    one_store_for_all,
    store_error,
    store_private,
    // what clients send and get
    ignore_proxy_header,
    accept_malformed_proxy_header,
    accept_bare_cr,
    serve_http_0_9,
    accept_several_content_length,
    forward_content_length_with_transfer_encoding,
    forward_hop_by_hop,
    forwarded_for_apart,
    request_timeout_from_idle,
    no_cap_on_clients,
    unconditional_304,
    ignore_esi,
    ignore_onerror,
    includes_without_end,
    page_as_a_whole,
    crash_on_bad_page,
    length_of_the_packed,
    range_of_synthesized,
    pad_short_client_body,
    drop_trailers,
    merge_trailers,
};

struct bug_description {
    bug which;
    std::string_view id;    ///< for --plant
    std::string_view does;  ///< what the cache then does
    std::string_view rule;  ///< the judge's rule that must see it
};

std::span<const bug_description> planted_bug_table();
std::optional<bug> bug_named(std::string_view id);
void plant(bug which);
void uproot_all();
bool planted(bug which);

}  // namespace badorigin::cache
