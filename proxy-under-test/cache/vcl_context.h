// The policy's view of an exchange: its variables and its calls into the cache.
#pragma once

#include <random>

#include "proxy-under-test/cache/configuration.h"
#include "proxy-under-test/cache/exchange.h"
#include "proxy-under-test/cache/store.h"

namespace badorigin::cache {

/// What the calls of the policy reach beside the exchange at hand.
struct policy_environment {
    const clock& time;
    ban_list& bans;
    store& objects;
    std::mt19937_64 random{1};
};

/// One side may be null; in vcl_pipe both are there.
class vcl_context final : public vcl::context {
public:
    vcl_context(policy_environment& environment, configuration& of, client_exchange* client, origin_exchange* origin)
        : environment_(environment), configuration_(of), client_(client), origin_(origin) {}

    vcl::value read(const vcl::variable_name& of) override;
    const std::string* held(const vcl::variable_name& of) override;
    void write(const vcl::variable_name& of, const vcl::value& to) override;
    void unset(const vcl::variable_name& of) override;
    vcl::value call(std::string_view function, const std::vector<vcl::value>& arguments) override;
    void hash_data(std::string_view text) override;
    void synthetic(std::string_view body) override;
    bool ban(std::string_view expression) override;
    vcl::cookie_jar& cookies() override { return origin_ ? origin_->cookies : client_->cookies; }

private:
    bool has(vcl::message of) const;
    vcl::value read_common(const vcl::variable_name& of) const;
    vcl::value read_storage(const vcl::variable_name& of) const;
    vcl::value read_req(const vcl::variable_name& of) const;
    vcl::value read_req_top(const vcl::variable_name& of) const;
    std::string hint_or_default(const std::string& hint) const;
    vcl::value read_bereq(const vcl::variable_name& of) const;
    vcl::value read_beresp(const vcl::variable_name& of) const;
    vcl::value read_obj(const vcl::variable_name& of) const;
    vcl::value read_resp(const vcl::variable_name& of) const;
    void write_req(const vcl::variable_name& of, const vcl::value& to);
    void write_bereq(const vcl::variable_name& of, const vcl::value& to);
    void write_beresp(const vcl::variable_name& of, const vcl::value& to);
    void write_resp(const vcl::variable_name& of, const vcl::value& to);
    void write_obj(const vcl::variable_name& of, const vcl::value& to);
    vcl::value purge(std::string_view how, const std::vector<vcl::value>& arguments);
    const client_exchange& top() const { return client_->top ? *client_->top : *client_; }
    field_list* fields_of(const vcl::variable_name& of);
    void tell_of_field(const vcl::variable_name& of, std::string_view what, const field_list& fields) const;
    void tell_of_line(const vcl::variable_name& of);
    bool cache_request_body(std::uint64_t most);
    const std::string& key() const;
    transaction_log& log() const;
    transaction_log& log_of(std::string_view prefix) const;
    bool is_untold(std::string_view prefix) const;
    nanoseconds now() const { return environment_.time.now(); }

    policy_environment& environment_;
    configuration& configuration_;
    client_exchange* client_;
    origin_exchange* origin_;
};

}  // namespace badorigin::cache
