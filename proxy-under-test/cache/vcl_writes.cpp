// What a policy sets and unsets, and the records of it.
#include "proxy-under-test/cache/vcl_context.h"
#include "proxy-under-test/cache/vcl_values.h"
#include "proxy-under-test/vcl/variable_number.h"

namespace badorigin::cache {

using vcl::value;
using vcl::variable_name;

namespace {
/// What records of a message's head are called; empty: there are none.
std::string_view prefix_of(vcl::message of) {
    using enum vcl::message;
    if (of == req || of == req_top) return "Req";
    if (of == bereq) return "Bereq";
    if (of == beresp) return "Beresp";
    return of == resp || of == obj ? "Resp" : std::string_view();
}
}  // namespace

void vcl_context::write(const variable_name& of, const value& to) {
    if (!has(of.whose)) return;
    if (of.is_field()) {
        auto& fields = *fields_of(of);
        tell_of_field(of, "Unset", fields);
        fields.set(of.part, vcl::to_string(to));
        return tell_of_field(of, "Header", fields);
    }
    using enum vcl::message;
    if (of == "client.identity" && client_) client_->identity = vcl::to_string(to);
    if (of == "sess.timeout_idle" && client_) client_->session->idle = span_of(to);
    if (of == "sess.idle_send_timeout" && client_) client_->session->idle_send = span_of(to);
    if (of.whose == req) write_req(of, to);
    if (of.whose == bereq) write_bereq(of, to);
    if (of.whose == beresp) write_beresp(of, to);
    if (of.whose == resp) write_resp(of, to);
    if (of.whose == obj) client_->object ? write_obj(of, to) : write_resp(of, to);
    tell_of_line(of);
}

/// VCL 3: vcl_miss and vcl_pass see the request to the origin before it begins.
bool vcl_context::is_untold(std::string_view prefix) const {
    return prefix == "Bereq" && !origin_->told;
}

transaction_log& vcl_context::log_of(std::string_view prefix) const {
    const bool clients = prefix == "Req" || prefix == "Resp";
    return clients && client_ ? *client_->log : log();
}

/// Fields of that name, as the policy takes them away ("Unset") or has made them ("Header").
void vcl_context::tell_of_field(const variable_name& of, std::string_view what, const field_list& fields) const {
    const auto prefix = prefix_of(of.whose);
    auto& to = log_of(prefix);
    if (!to.wanted() || is_untold(prefix)) return;
    for (const auto& each : fields)
        if (same_name(each.name, of.part)) to.add_field(prefix, what, each.name, each.value);
}

/// A part of a start line that the policy has made.
void vcl_context::tell_of_line(const variable_name& of) {
    const auto prefix = prefix_of(of.whose);
    if (prefix.empty() || !log().wanted() || is_untold(prefix)) return;
    const auto tell = [&](std::string_view part) { log_of(prefix).add(std::string(prefix).append(part), vcl::to_string(read(of))); };
    if (of == "req.method" || of == "bereq.method") tell("Method");
    if (of == "req.url" || of == "bereq.url") tell("URL");
    if (of == "resp.status" || of == "obj.status" || of == "beresp.status") tell("Status");
    if (of == "resp.reason" || of == "obj.reason" || of == "beresp.reason") tell("Reason");
}

void vcl_context::write_req(const variable_name& of, const value& to) {
    auto& c = *client_;
    if (of == "req.method") c.request.method = vcl::to_string(to);
    if (of == "req.url") c.request.target = vcl::to_string(to);
    if (of == "req.grace") c.most_grace = span_of(to);
    if (of == "req.ttl") c.most_ttl = span_of(to);
    if (of == "req.esi") c.esi = truth(to);
    if (of == "req.hash_always_miss") c.hash_always_miss = truth(to);
    if (of == "req.hash_ignore_busy") c.hash_ignore_busy = truth(to);
    if (of == "req.hash_ignore_vary") c.hash_ignore_vary = truth(to);
    if (of == "req.backend_hint") c.backend_hint = backend_of(to);
}

void vcl_context::write_bereq(const variable_name& of, const value& to) {
    auto& o = *origin_;
    if (of == "bereq.method") o.request.method = vcl::to_string(to);
    if (of == "bereq.url") o.request.target = vcl::to_string(to);
    if (of == "bereq.backend") o.backend_hint = backend_of(to);
    if (of == "bereq.connect_timeout") o.connect_timeout = span_of(to);
    if (of == "bereq.first_byte_timeout") o.first_byte_timeout = span_of(to);
    if (of == "bereq.between_bytes_timeout") o.between_bytes_timeout = span_of(to);
}

void vcl_context::write_beresp(const variable_name& of, const value& to) {
    auto& o = *origin_;
    if (of == "beresp.status") o.response.status = integer_of(to);
    if (of == "beresp.reason") o.response.reason = vcl::to_string(to);
    if (of == "beresp.ttl") o.ttl = span_of(to) + (now() - o.origin_time);
    if (of == "beresp.grace") o.grace = span_of(to);
    if (of == "beresp.keep") o.keep = span_of(to);
    if (of == "beresp.saintmode" && o.used.saint) o.used.saint->blacklist(o.key, now(), span_of(to));
    if (of == "beresp.uncacheable" && truth(to)) o.uncacheable = true;  // there is no way back
    if (of == "beresp.body") o.content = vcl::to_string(to);
    if (of == "beresp.do_stream") o.do_stream = truth(to);
    if (of == "beresp.do_esi") o.do_esi = truth(to);
    if (of == "beresp.do_gzip") o.do_gzip = truth(to);
    if (of == "beresp.do_gunzip") o.do_gunzip = truth(to);
    if (of == "beresp.storage" || of == "beresp.storage_hint") {
        const auto name = vcl::to_string(to);
        if (environment_.objects.areas.contains(name)) {
            o.storage = name;
        } else {
            o.log->tell("VCL_Error", "there is no storage area {}; --store names them", name);
        }
    }
}

/// VCL 3, in vcl_hit.
void vcl_context::write_obj(const variable_name& of, const value& to) {
    auto& o = *client_->object;
    if (of == "obj.ttl") o.ttl = span_of(to) + o.age(now());
    if (of == "obj.grace") o.grace = span_of(to);
    if (of == "obj.keep") o.keep = span_of(to);
}

void vcl_context::write_resp(const variable_name& of, const value& to) {
    auto& r = client_->response;
    if (of == "resp.status" || of == "obj.status") r.status = integer_of(to);
    if (of == "resp.reason" || of == "obj.reason") r.reason = vcl::to_string(to);
    if (of == "resp.body") client_->synthetic = vcl::to_string(to);
    if (of == "resp.do_esi") client_->esi = truth(to);
}

void vcl_context::unset(const variable_name& of) {
    if (!has(of.whose)) return;
    if (of.is_field()) {
        auto& fields = *fields_of(of);
        tell_of_field(of, "Unset", fields);
        return fields.remove(of.part);
    }
    if (of == "bereq.body") origin_->drop_body = true;
}

}  // namespace badorigin::cache
