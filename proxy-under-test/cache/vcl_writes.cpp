// What a policy sets and unsets, and the records of it.
#include "proxy-under-test/cache/vcl_context.h"
#include "proxy-under-test/cache/vcl_values.h"

namespace badorigin::cache {

using vcl::value;

namespace {
/// What records of an object's head are called; empty: there are none.
std::string_view prefix_of(std::string_view object) {
    if (object == "req" || object == "req_top") return "Req";
    if (object == "bereq") return "Bereq";
    if (object == "beresp") return "Beresp";
    return object == "resp" || object == "obj" ? "Resp" : std::string_view();
}
}  // namespace

void vcl_context::write(std::string_view variable, const value& to) {
    std::string_view header;
    const auto [of, member] = split(variable);
    if (auto* fields = fields_of(variable, header)) {
        tell_of_field(of, "Unset", *fields, header);
        fields->set(header, vcl::to_string(to));
        return tell_of_field(of, "Header", *fields, header);
    }
    if (variable == "client.identity" && client_) client_->identity = vcl::to_string(to);
    if (variable == "sess.timeout_idle" && client_) client_->session->idle = span_of(to);
    if (variable == "sess.idle_send_timeout" && client_) client_->session->idle_send = span_of(to);
    if (of == "req" && client_) write_req(member, to);
    if (of == "bereq" && origin_) write_bereq(member, to);
    if (of == "beresp" && origin_) write_beresp(member, to);
    if (of == "resp" && client_) write_resp(member, to);
    if (of == "obj" && client_) client_->object ? write_obj(member, to) : write_resp(member, to);
    tell_of_line(of, member);
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
void vcl_context::tell_of_field(std::string_view of, std::string_view what, const field_list& fields, std::string_view header) const {
    const auto prefix = prefix_of(of);
    auto& to = log_of(prefix);
    if (!to.wanted() || is_untold(prefix)) return;
    for (const auto& each : fields)
        if (same_name(each.name, header)) to.add_field(prefix, what, each.name, each.value);
}

/// A part of a start line that the policy has made.
void vcl_context::tell_of_line(std::string_view of, std::string_view member) const {
    const auto prefix = prefix_of(of);
    if (prefix.empty() || !log().wanted() || is_untold(prefix)) return;
    const auto tell = [&](std::string_view part, std::string_view now) { log_of(prefix).add(std::string(prefix).append(part), now); };
    const auto tell_request = [&](const request_head& head) {
        if (member == "method") tell("Method", head.method);
        if (member == "url") tell("URL", head.target);
    };
    const auto tell_response = [&](const response_head& head) {
        if (member == "status") tell("Status", std::to_string(head.status));
        if (member == "reason") tell("Reason", head.reason);
    };
    if (of == "req" && client_) tell_request(client_->request);
    if (of == "bereq" && origin_) tell_request(origin_->request);
    if (of == "beresp" && origin_) tell_response(origin_->response);
    if (prefix == "Resp" && client_) tell_response(client_->response);
}

void vcl_context::write_req(std::string_view member, const value& to) {
    auto& c = *client_;
    if (member == "method") c.request.method = vcl::to_string(to);
    if (member == "url") c.request.target = vcl::to_string(to);
    if (member == "grace") c.most_grace = span_of(to);
    if (member == "ttl") c.most_ttl = span_of(to);
    if (member == "esi") c.esi = truth(to);
    if (member == "hash_always_miss") c.hash_always_miss = truth(to);
    if (member == "hash_ignore_busy") c.hash_ignore_busy = truth(to);
    if (member == "hash_ignore_vary") c.hash_ignore_vary = truth(to);
    if (member == "backend_hint") c.backend_hint = backend_of(to);
}

void vcl_context::write_bereq(std::string_view member, const value& to) {
    auto& o = *origin_;
    if (member == "method") o.request.method = vcl::to_string(to);
    if (member == "url") o.request.target = vcl::to_string(to);
    if (member == "backend") o.backend_hint = backend_of(to);
    if (member == "connect_timeout") o.connect_timeout = span_of(to);
    if (member == "first_byte_timeout") o.first_byte_timeout = span_of(to);
    if (member == "between_bytes_timeout") o.between_bytes_timeout = span_of(to);
}

void vcl_context::write_beresp(std::string_view member, const value& to) {
    auto& o = *origin_;
    if (member == "status") o.response.status = integer_of(to);
    if (member == "reason") o.response.reason = vcl::to_string(to);
    if (member == "ttl") o.ttl = span_of(to) + (now() - o.origin_time);
    if (member == "grace") o.grace = span_of(to);
    if (member == "keep") o.keep = span_of(to);
    if (member == "saintmode" && o.used.saint) o.used.saint->blacklist(o.key, now(), span_of(to));
    if (member == "uncacheable" && truth(to)) o.uncacheable = true;  // there is no way back
    if (member == "body") o.content = vcl::to_string(to);
    if (member == "do_stream") o.do_stream = truth(to);
    if (member == "do_esi") o.do_esi = truth(to);
    if (member == "do_gzip") o.do_gzip = truth(to);
    if (member == "do_gunzip") o.do_gunzip = truth(to);
    if (member == "storage" || member == "storage_hint") {
        const auto name = vcl::to_string(to);
        if (environment_.objects.areas.contains(name)) {
            o.storage = name;
        } else {
            o.log->tell("VCL_Error", "there is no storage area {}; --store names them", name);
        }
    }
}

/// VCL 3, in vcl_hit.
void vcl_context::write_obj(std::string_view member, const value& to) {
    auto& o = *client_->object;
    if (member == "ttl") o.ttl = span_of(to) + o.age(now());
    if (member == "grace") o.grace = span_of(to);
    if (member == "keep") o.keep = span_of(to);
}

void vcl_context::write_resp(std::string_view member, const value& to) {
    auto& r = client_->response;
    if (member == "status") r.status = integer_of(to);
    if (member == "reason") r.reason = vcl::to_string(to);
    if (member == "body") client_->synthetic = vcl::to_string(to);
    if (member == "do_esi") client_->esi = truth(to);
}

void vcl_context::unset(std::string_view variable) {
    std::string_view header;
    if (auto* fields = fields_of(variable, header)) {
        tell_of_field(split(variable).first, "Unset", *fields, header);
        return fields->remove(header);
    }
    if (variable == "bereq.body" && origin_) origin_->drop_body = true;
}

}  // namespace badorigin::cache
