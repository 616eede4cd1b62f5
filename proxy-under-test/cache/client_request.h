// One request of a client: the client half of the published state machine, each state a function that names the next.
#pragma once

#include "proxy-under-test/cache/engine.h"
#include "proxy-under-test/cache/request_body.h"

namespace badorigin::cache {

class client_request {
public:
    /// Takes the head out of `reader`. `page`: whose include this is; its text then goes into the page. Null: the client asked for it.
    client_request(engine& in, connection_ptr client, message_reader& reader, bool keep_alive, client_request* page = nullptr);

    std::uint64_t number() const { return exchange_.xid; }
    enum class end { keep, close, close_at_once };
    awaitable<end> run();

private:
    static constexpr int max_restarts = 4;
    enum class state { recv, hash, lookup, hit, miss, pass, pipe, purge, synth, deliver, restart, failed, done };
    awaitable<state> recv();
    state hash();
    awaitable<state> lookup();
    awaitable<state> hit();
    awaitable<state> miss();
    awaitable<state> pass();
    awaitable<state> pipe();
    state purge();
    awaitable<state> synth();
    awaitable<state> deliver();
    state restart();

    state decide(const vcl::outcome& outcome, state otherwise);
    state answer(int status, std::string reason);
    vcl::outcome policy(vcl::subroutine which, origin_exchange* origin = nullptr);
    origin_exchange origin_request(bool passed, std::string_view why);
    std::shared_ptr<transaction_log> log_of(std::string_view kind, std::uint64_t number, std::uint64_t parent, std::string_view why);
    void account();
    lookup_result look_up(bool waited, bool alone) const;
    awaitable<std::optional<fetch_end>> wait_for_fetch(nanoseconds until);
    bool serve_stale_instead();
    void log_hit(std::string_view why) const;
    void note_passed(const stored_object& answer);
    std::string key_of(const std::string& target);
    awaitable<state> send_page(stored_object& page, const response_head& before);
    awaitable<bool> put_parts(const stored_object& page);
    awaitable<void> include(const esi_part& part);
    awaitable<bool> put(std::string_view text);
    awaitable<state> hand_to_page(std::string_view content);
    bool can_be_streamed(const body_growth& growing) const;
    awaitable<bool> stream(stored_object& object, body_growth& growing);
    void tell_status(const stored_object& object);
    awaitable<object_ptr> fetch(origin_exchange&& exchange, request_body* body, object_ptr validated, fetch_lead lead);
    bool may_refresh() const;
    void refresh_in_background(const object_ptr& stale, fetch_lead lead);
    state brought_nothing();
    /// In VCL 3 the fetch belongs to the request: vcl_miss and vcl_pass see bereq, vcl_fetch sees req, and no refresh is left to run alone.
    bool fetches_itself() const { return configuration_->program->version() < 40; }
    void log_answer(const response_head& before, std::size_t head_size);
    awaitable<state> send_response(std::string_view content, bool conditions, bool has_content);

    engine& engine_;
    configuration_ptr configuration_;
    connection_ptr client_;
    request_body body_;
    client_exchange exchange_;
    bool keep_alive_, hit_ = false, passing_ = false;
    fetch_lead lead_;
    int synth_status_ = 0;
    std::string synth_reason_;
    state after_hash_ = state::lookup;
    object_ptr validated_, fallback_, partial_;
    std::optional<vcl::outcome> fetch_decided_;
    end ended_ = end::keep;
    std::uint64_t answered_from_ = 0, answer_head_ = 0;  ///< where the response begins among what the client was sent; its head's size
    client_request* page_;
    bool may_fail_ = false;                 ///< an include that nothing stands for when it fails
    std::optional<std::string> collected_;  ///< the page's text, for a client that has to be told its length
};

}  // namespace badorigin::cache
