// The table of rules: what each demands, where that stands, and which planted bugs of the bundled cache must violate it.
#include <array>

#include "harness/judge/rules/rule_base.h"

namespace badorigin::judge {

namespace {

struct entry {
    rule_row row;
    rule_maker make;
};

constexpr auto required = kind::required, advice = kind::advice;
constexpr auto elsewhere = judged_in::captures_made_elsewhere;

constexpr std::array entries{
    entry{{"body-forwarded-whole", required,
           "Each request to an origin carries the client's body, whole and unchanged, and no body that the client did not finish is "
           "finished for it",
           "RFC 9110 section 7.6, RFC 9112 section 8; R0.2, R0.3",
           "body-lost-on-fresh-connection,body-lost-on-reused-connection,body-lost-on-retry,truncate-client-body,retry-with-half-the-body,"
           "pad-short-client-body"},
          body_forwarded_whole},
    entry{{"no-retry-of-non-idempotent", required, "A non-idempotent request that may have reached an origin is not sent again",
           "RFC 9110 section 9.2.2; R0.5", "resend-post-after-eof"},
          no_retry_of_non_idempotent},
    entry{{"right-answer-to-right-request", required,
           "A client gets what an origin answered to its own request, or to one for the same target and host, byte by byte",
           "RFC 9111 section 4; R2.25", "mix-up-waiters,accept-malformed-proxy-header"},
          right_answer_to_right_request},
    entry{{"nothing-of-broken-reused", required,
           "A connection that carried a broken message carries nothing more, and no left-over bytes reach a client",
           "RFC 9112 sections 6.3 and 9.6; R0.8", "reuse-broken-connection"},
          nothing_of_broken_reused},
    entry{{"incomplete-not-passed-as-complete", required, "A response that an origin did not finish is not delivered as a complete one",
           "RFC 9112 section 8", "pass-truncated-as-complete,store-truncated"},
          incomplete_not_passed_as_complete},
    entry{{"incomplete-not-stored", required, "A response that an origin did not finish is not served again from the store",
           "RFC 9111 section 3.3", "store-truncated"},
          incomplete_not_stored},
    entry{{"headerless-is-an-error", required, "Bytes without a status line are a failed response at once: not delivered, not waited upon",
           "RFC 9112 section 4; R4.1, R4.3", "accept-headerless,hang-on-headerless"},
          headerless_is_an_error},
    entry{{"not-modified-only-to-conditional", required, "304 goes only to a request with a condition", "RFC 9110 section 15.4.5; R2.4",
           "unconditional-304,pass-unsolicited-304"},
          not_modified_only_to_conditional},
    entry{{"unsolicited-304-is-a-failed-fetch", required, "An origin's 304 to a request without condition is a failed fetch",
           "RFC 9110 section 15.4.5; R2.8", "pass-unsolicited-304"},
          unsolicited_304_is_a_failed_fetch},
    entry{{"validation-matches", required, "A 304 with another validator than the one asked about validates nothing",
           "RFC 9111 section 4.3.4", "accept-stale-304"},
          validation_matches},
    entry{{"validation-updates-stored", required, "A matching 304 renews the stored response: its fields, its age, its lifetime",
           "RFC 9111 sections 3.2 and 4.3.4", "no-update-on-validation"},
          validation_updates_stored},
    entry{{"one-fetch-in-flight", required, "While an object is being fetched it is not fetched a second time", "R1.3, R1.4, R1.5",
           "no-collapsing,refresh-for-every-stale-hit", need::promises},
          one_fetch_in_flight},
    entry{{"stale-only-within-grace", required, "Nothing is delivered beyond its ttl and the promised grace",
           "RFC 9111 section 4.2.4; R1.5, R1.6, R3.1", "serve-beyond-grace", need::promises},
          stale_only_within_grace},
    entry{{"saint-window-kept", required, "An origin that failed for a target is not asked for it while saint mode lasts", "R1.6, R3.3",
           "ignore-saint,saint-ends-early", need::promises},
          saint_window_kept},
    entry{{"age-honest", required, "A stored response says its age, and the age is true", "RFC 9111 sections 4.2.3 and 5.1; R1.1, R2.20",
           "no-age,frozen-age,ignore-upstream-age"},
          age_honest},
    entry{{"error-not-stored", required, "A server error without explicit freshness is not served again from the store",
           "RFC 9111 section 4.2.2", "store-error"},
          error_not_stored},
    entry{{"ban-honoured", required, "What was banned is not delivered again", "R1.2", "ignore-ban", need::bans}, ban_honoured},
    entry{{"hop-by-hop-stays", required, "Fields meant for one connection do not show on the other leg", "RFC 9110 section 7.6.1; R2.7",
           "forward-hop-by-hop"},
          hop_by_hop_stays},
    entry{{"framing-ambiguity-refused", required,
           "A request whose framing or header section can be read in two ways is refused, or made unambiguous where RFC 9112 allows it",
           "RFC 9112 sections 2.2, 3.2, 5.1, 6.1, 6.3; R2.5, R2.6",
           "accept-bare-cr,accept-several-content-length,forward-content-length-with-transfer-encoding"},
          framing_ambiguity_refused},
    entry{{"private-content-stays-with-its-key", required,
           "A stored response serves no request that differs in what its Vary names, and nobody else's when it is private",
           "RFC 9111 sections 3, 3.5 and 4.1; R2.25", "ignore-vary,store-private"},
          private_content_stays_with_its_key},
    entry{{"load-bounded", required,
           "A client request causes at most 5 requests to origins, and the run at most 3 a client request and 5 more", "R2.29, R2.20",
           "retry-storm"},
          load_bounded},
    entry{{"no-cpu-burnt", required, "A proxy that only waits uses at most half of a core", "R4.1, R4.3, R4.4",
           "spin-on-headerless-probe,spin-on-stalled-origin", need::vitals},
          no_cpu_burnt},
    entry{{"alive-and-serving", required, "The proxy lives to the end of the run and accepts clients after every fault",
           "R2.8, R2.9, R2.10", "crash-on-unsolicited-304,crash-on-failed-fetch", need::vitals},
          alive_and_serving},
    entry{{"nothing-left-behind", required, "Descriptors and memory do not grow beyond what open connections and stored responses explain",
           "R4.4", "leak-descriptor-on-failed-fetch,leak-memory-on-failed-fetch", need::vitals},
          nothing_left_behind},
    entry{{"answered-or-closed", required, "A whole request gets a response or a closed connection", "RFC 9112 section 9; R4.1",
           "hang-on-headerless"},
          answered_or_closed},
    entry{{"request-not-lost-with-reused-connection", required,
           "No request with content, or that is not idempotent, is lost because its only attempt went over a reused connection that its "
           "origin ended unanswered",
           "RFC 9110 section 9.2.2, RFC 9112 sections 9.3.1 and 9.6; R0.6, R0.8", "", need::packets, elsewhere},
          request_not_lost_with_reused_connection},
    entry{{"freshness-and-validators-given", advice,
           "An origin says how long a response is fresh, and gives a validator: else each view is asked for again, or comes whole", "R2.29",
           "", need::packets, elsewhere},
          freshness_and_validators_given},
    entry{{"same-etag-from-each-origin", advice, "Origins give the same bytes the same ETag", "R2.30", "", need::packets, elsewhere},
          same_etag_from_each_origin},
    entry{{"varies-by-few", advice, "Nothing varies by User-Agent, of which there are as many as clients", "R2.31", "", need::packets,
           elsewhere},
          varies_by_few},
    entry{{"text-compressed", advice, "Text of 1 KiB and more is compressed for who accepts gzip", "R2.31", "", need::packets, elsewhere},
          text_compressed},
    entry{{"versions-not-told", advice, "Server and X-Powered-By tell no software versions", "R2.31", "", need::packets, elsewhere},
          versions_not_told},
    entry{{"no-cookie-on-shared-content", advice, "What may be shared sets no cookie", "RFC 9111 section 7.3; R2.25", "", need::packets,
           elsewhere},
          no_cookie_on_shared_content},
    entry{{"plain-http-answered-in-http", advice,
           "A plain request is answered in HTTP: a page without any header, or TLS, comes from a port that expects TLS", "R2.32, R4.1", "",
           need::packets, elsewhere},
          plain_http_answered_in_http},
};

constexpr auto rows = [] {
    std::array<rule_row, entries.size()> all{};
    for (std::size_t i = 0; i < entries.size(); ++i) all[i] = entries[i].row;
    return all;
}();

}  // namespace

std::span<const rule_row> rule_catalogue() {
    return rows;
}

std::vector<std::string> rule_ids() {
    std::vector<std::string> ids;
    for (const auto& r : rows) ids.emplace_back(r.id);
    return ids;
}

std::vector<std::unique_ptr<rule>> all_rules() {
    std::vector<std::unique_ptr<rule>> all;
    for (const auto& e : entries) all.push_back(e.make());
    return all;
}

}  // namespace badorigin::judge
