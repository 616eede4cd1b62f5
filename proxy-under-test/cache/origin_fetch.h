// One fetch: from the request that the client side hands over to the response that can be stored or delivered.
//
// It walks the backend half of the published state machine; each state is a function that names the next. A fetch is made of
// attempts: the machine sends again by itself only what certainly does no harm, and return (retry) starts over with a new id.
#pragma once

#include "proxy-under-test/cache/engine.h"
#include "proxy-under-test/cache/request_body.h"

namespace badorigin::cache {

class origin_fetch : public std::enable_shared_from_this<origin_fetch> {
public:
    /// `body`: of a passed request, else null; it is not touched any more once there is a result. `validated`: the stored response that
    /// the origin is asked to confirm, or null. `lead`: ended as soon as those who wait can be told.
    origin_fetch(engine& in, configuration_ptr by, origin_exchange&& exchange, request_body* body, object_ptr validated, fetch_lead lead);
    ~origin_fetch();

    /// Calls back once, when there is a result; its content may be growing then.
    void start(std::function<void()> have_result);
    /// Interim responses go there, until there is a result (RFC 9110 15.2).
    void tell_of_interim(connection& client) { client_ = &client; }
    /// What the client side delivers, or null when there is nothing.
    const object_ptr& result() const { return result_; }
    /// VCL 3: how the client's request is to go on where vcl_fetch ended in restart or error.
    const std::optional<vcl::outcome>& for_client() const { return for_client_; }
    /// The client's connection cannot carry another request: part of its body was left unread.
    bool body_abandoned() const { return body_abandoned_; }

private:
    enum class state { start, send, response, body, error, store, failed, done };
    void publish();

    enum class rest { this_is_it, another_response, ask_for_the_whole };
    rest rest_has_come();
    bool complete_from_rest();
    bool may_keep_part() const;
    void keep_range(std::string_view content);
    void keep_beginning(std::string_view content, std::uint64_t length);
    void keep_part(std::uint64_t first, std::string_view content, std::uint64_t length);
    void hand_over();
    awaitable<state> start();
    awaitable<state> send();
    awaitable<state> response();
    awaitable<state> read_body();
    awaitable<state> error();
    awaitable<void> run();

    /// How one attempt went.
    struct attempt_result {
        std::optional<std::string> failure;
        bool reused = false, closed_unanswered = false;  ///< closed_unanswered: before any byte came
    };
    awaitable<attempt_result> attempt(bool first, bool only_fresh);
    awaitable<attempt_result> exchange_heads(attempt_result so_far, bool omit_body, bool first);
    awaitable<io> send_some(std::string& pending, bool& body_done, const bool& early, bool first);
    awaitable<std::optional<std::string>> read_head(nanoseconds until);
    awaitable<void> pass_interim();
    bool may_send_again(const attempt_result& after, int sent_again) const;
    void take_response();
    void take_lifetime();
    void tell_lifetime(std::string_view source) const;
    std::optional<std::string> transform();
    std::optional<std::string> not_modified_refused() const;
    void merge_validated();
    state retry(state when_too_many);
    void begin_again();
    state fail(std::string why);
    void let_go(bool whole);
    bool may_be_used_again() const;
    void account();
    std::optional<std::string> take_input();
    bool may_stream() const;
    awaitable<bool> keep_pace();
    void end_stream(bool broken);
    object_ptr make_object();
    vcl::outcome policy(vcl::subroutine which);

    engine& engine_;
    configuration_ptr configuration_;
    origin_exchange exchange_;
    request_body* body_;
    object_ptr validated_, result_;
    fetch_lead lead_;
    connection* client_ = nullptr;
    std::function<void()> have_result_;
    std::shared_ptr<body_growth> growing_;  ///< once the content is delivered while it comes
    fetch_end ended_{fetch_end::what::failed, nullptr};
    lease_ptr lease_;
    std::optional<message_reader> reader_;
    std::string failure_, held_back_;
    bool head_told_ = false;                       ///< by this transaction: another attempt sends the same
    std::uint64_t sent_from_ = 0, sent_head_ = 0;  ///< where the request begins among what the connection was sent; its head's size
    nanoseconds first_byte_timeout_{0}, between_bytes_timeout_{0};
    std::optional<vcl::outcome> for_client_;
    std::optional<std::uint64_t> rest_from_;  ///< where the part that has come belongs
    int error_status_ = 503;
    std::string error_reason_ = "Backend fetch failed";
    std::vector<esi_part> parts_;
    bool gzipped_here_ = false;
    bool to_be_marked_pass_ = false, body_abandoned_ = false, timed_out_ = false;
};

}  // namespace badorigin::cache
