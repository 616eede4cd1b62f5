#include "proxy-under-test/cache/vcl_context.h"

#include <cmath>

#include <syslog.h>

#include "proxy-under-test/cache/gzip.h"
#include "proxy-under-test/cache/vcl_values.h"
#include "proxy-under-test/vcl/variable_number.h"

namespace badorigin::cache {

namespace {
using vcl::value;
using vcl::variable_name;

constexpr auto connect_timeout = std::chrono::milliseconds(3500);
constexpr auto first_byte_timeout = std::chrono::seconds(60);
}  // namespace

const std::string& vcl_context::key() const {
    return origin_ ? origin_->key : client_->key;
}
transaction_log& vcl_context::log() const {
    return origin_ ? *origin_->log : *client_->log;
}

bool vcl_context::has(vcl::message of) const {
    using enum vcl::message;
    switch (of) {
        case none:
            return true;
        case bereq:
        case beresp:
            return origin_ != nullptr;
        case req:
        case req_top:
        case obj:
        case resp:
            return client_ != nullptr;
    }
    return false;
}

const std::string* vcl_context::held(const variable_name& of) {
    if (!has(of.whose)) return nullptr;
    if (of.is_field()) return fields_of(of)->find(of.part);
    if (of == "req.method") return &client_->request.method;
    if (of == "req.url") return &client_->request.target;
    if (of == "req_top.method") return &top().request.method;
    if (of == "req_top.url") return &top().request.target;
    if (of == "bereq.method") return &origin_->request.method;
    if (of == "bereq.url") return &origin_->request.target;
    if (of == "beresp.reason") return &origin_->response.reason;
    if (of == "resp.reason") return &client_->response.reason;
    return nullptr;
}

value vcl_context::read(const variable_name& of) {
    if (const auto* found = held(of)) return *found;
    if (!has(of.whose) || of.is_field()) return {};
    using enum vcl::message;
    switch (of.whose) {
        case none:
            return read_common(of);
        case req:
            return read_req(of);
        case req_top:
            return read_req_top(of);
        case bereq:
            return read_bereq(of);
        case beresp:
            return read_beresp(of);
        case obj:
            return client_->object ? read_obj(of) : read_resp(of);  // vcl_error of VCL 3: what is being made
        case resp:
            return read_resp(of);
    }
    return {};
}

value vcl_context::read_common(const variable_name& of) const {
    if (of == "now") return moment(now());
    if (of == "server.hostname" || of == "server.identity") return text("badorigin-cache");
    if (!client_ && !origin_) return {};
    const auto& ends = client_ ? client_->ends : origin_->ends;
    if (of == "client.identity") return text(client_ && !client_->identity.empty() ? client_->identity : ends.client_ip);
    if (of == "client.ip") return vcl::ip{ends.client_ip, ends.client_port};
    if (of == "server.ip") return vcl::ip{ends.server_ip, ends.server_port};
    if (of == "remote.ip") return vcl::ip{ends.remote_ip, ends.remote_port};
    if (of == "local.ip") return vcl::ip{ends.local_ip, ends.local_port};
    if (of == "server.port") return integer(ends.server_port);
    if (of == "local.endpoint") return text(ends.local_ip + ':' + std::to_string(ends.local_port));
    if (of == "local.socket") return text("a0");
    if (of == "sess.xid") return text(std::to_string(ends.session_id));
    if (of == "sess.timeout_idle" && client_) return span(client_->session->idle);
    if (of == "sess.idle_send_timeout" && client_) return span(client_->session->idle_send);
    return read_storage(of);
}

value vcl_context::read_storage(const variable_name& of) const {
    const auto found = environment_.objects.areas.find(of.part);
    if (found == environment_.objects.areas.end()) return {};
    const auto& [limit, used, evicted, objects] = found->second;
    if (of == "storage.*.used_space") return vcl::bytes{used};
    if (of == "storage.*.free_space") return vcl::bytes{limit - used};
    return true;
}

value vcl_context::read_req_top(const variable_name& of) const {
    if (of == "req_top.proto") return text(version_text(top().request.version));
    if (of == "req_top.time") return moment(top().started);
    return {};
}

value vcl_context::read_req(const variable_name& of) const {
    const auto& c = *client_;
    if (of == "req.proto") return text(version_text(c.request.version));
    if (of == "req.restarts") return integer(c.restarts);
    if (of == "req.xid") return text(std::to_string(c.xid));
    if (of == "req.time") return moment(c.started);
    if (of == "req.transport") return text("HTTP/1");
    if (of == "req.grace") return span(c.most_grace.value_or(std::chrono::hours(24 * 365)));
    if (of == "req.ttl") return span(c.most_ttl.value_or(std::chrono::hours(24 * 365)));
    if (of == "req.esi_level") return integer(c.esi_level);
    if (of == "req.esi") return c.esi;
    if (of == "req.can_gzip") return accepts_gzip(c.request.fields);
    if (of == "req.hash_ignore_vary") return c.hash_ignore_vary;
    if (of == "req.hash_always_miss") return c.hash_always_miss;
    if (of == "req.hash_ignore_busy") return c.hash_ignore_busy;
    if (of == "req.is_hitmiss") return c.is_hit_for_miss;
    if (of == "req.is_hitpass") return c.is_hit_for_pass;
    if (of == "req.backend_hint") return vcl::backend_ref{hint_or_default(c.backend_hint)};
    if (of == "req.backend.healthy") return configuration_.backends.healthy(hint_or_default(c.backend_hint), key(), now());
    return {};
}

/// What no policy has set is the first backend of the configuration.
std::string vcl_context::hint_or_default(const std::string& hint) const {
    return hint.empty() ? configuration_.backends.default_name() : hint;
}

value vcl_context::read_bereq(const variable_name& of) const {
    const auto& o = *origin_;
    if (of == "bereq.proto") return text(version_text(o.request.version));
    if (of == "bereq.xid") return text(std::to_string(o.xid));
    if (of == "bereq.time") return moment(o.started);
    if (of == "bereq.retries") return integer(o.retries);
    if (of == "bereq.backend") return vcl::backend_ref{hint_or_default(o.backend_hint)};
    if (of == "bereq.uncacheable") return o.passed;
    if (of == "bereq.is_bgfetch") return o.background;
    if (of == "bereq.is_hitmiss") return o.is_hit_for_miss;
    if (of == "bereq.is_hitpass") return o.is_hit_for_pass;
    if (of == "bereq.connect_timeout") return span(o.connect_timeout.value_or(connect_timeout));
    if (of == "bereq.first_byte_timeout") return span(o.first_byte_timeout.value_or(first_byte_timeout));
    if (of == "bereq.between_bytes_timeout") return span(o.between_bytes_timeout.value_or(first_byte_timeout));
    return {};
}

value vcl_context::read_beresp(const variable_name& of) const {
    const auto& o = *origin_;
    if (of == "beresp.proto") return text(version_text(o.response.version));
    if (of == "beresp.status") return integer(o.response.status);
    if (of == "beresp.time") return moment(o.received);
    if (of == "beresp.ttl") return span(o.ttl - (now() - o.origin_time));
    if (of == "beresp.age") return span(now() - o.origin_time);
    if (of == "beresp.grace") return span(o.grace);
    if (of == "beresp.keep") return span(o.keep);
    if (of == "beresp.uncacheable") return o.uncacheable;
    if (of == "beresp.was_304") return o.was_304;
    if (of == "beresp.backend") return vcl::backend_ref{o.used_name};
    if (of == "beresp.backend.name") return text(o.used_name);
    if (of == "beresp.backend.port") return integer(o.used.to ? o.used.to->port : 0);
    if (of == "beresp.backend.ip") return o.used.to ? vcl::ip{o.used.to->address, o.used.to->port} : vcl::ip{};
    if (of == "beresp.storage" || of == "beresp.storage_hint") return o.storage;
    if (of == "beresp.do_stream") return o.do_stream;
    if (of == "beresp.do_esi") return o.do_esi;
    if (of == "beresp.do_gzip") return o.do_gzip;
    if (of == "beresp.do_gunzip") return o.do_gunzip;
    return {};
}

value vcl_context::read_obj(const variable_name& of) const {
    const auto& o = *client_->object;
    if (of == "obj.hits") return integer(o.hits);
    if (of == "obj.proto") return text(version_text(o.head.version));
    if (of == "obj.status") return integer(o.head.status);
    if (of == "obj.reason") return text(o.head.reason);
    if (of == "obj.time") return moment(o.received);
    if (of == "obj.ttl") return span(o.ttl_left(now()));
    if (of == "obj.age") return span(o.age(now()));
    if (of == "obj.grace") return span(o.grace);
    if (of == "obj.keep") return span(o.keep);
    if (of == "obj.uncacheable") return o.passed;
    if (of == "obj.can_esi") return !o.parts.empty();
    if (of == "obj.storage") return o.storage;
    return {};
}

value vcl_context::read_resp(const variable_name& of) const {
    const auto& r = client_->response;
    if (of == "resp.proto" || of == "obj.proto") return text(version_text(r.version));
    if (of == "resp.status" || of == "obj.status") return integer(r.status);
    if (of == "obj.reason") return text(r.reason);
    if (of == "resp.time" || of == "obj.time") return moment(now());
    if (of == "resp.is_streaming") return client_->object && client_->object->growing && !client_->object->growing->ended;
    if (of == "resp.do_esi") return client_->esi;
    return {};
}

void vcl_context::hash_data(std::string_view data) {
    client_->hash_parts.emplace_back(data);
}

void vcl_context::synthetic(std::string_view body) {
    if (origin_) {
        origin_->content = body;
    } else {
        client_->synthetic = body;
    }
}

bool vcl_context::ban(std::string_view expression) {
    const auto added = environment_.bans.add(expression);
    if (!added) log().tell("VCL_Error", "ban: {}", added.error());
    return added.has_value();
}

/// Of the message of a field that is there.
field_list* vcl_context::fields_of(const variable_name& of) {
    using enum vcl::message;
    switch (of.whose) {
        case none:
            return nullptr;
        case req:
            return &client_->request.fields;
        case req_top:
            return &const_cast<client_exchange&>(top()).request.fields;
        case bereq:
            return &origin_->request.fields;
        case beresp:
            return &origin_->response.fields;
        case obj:
            return client_->object ? &client_->object->head.fields : &client_->response.fields;
        case resp:
            return &client_->response.fields;
    }
    return nullptr;
}

bool vcl_context::cache_request_body(std::uint64_t most) {
    if (!client_->has_body) return true;
    if (client_->body_length && *client_->body_length > most) return false;
    client_->keep_body = most;  // read before the request goes on; a chunked body that proves longer fails the request
    return true;
}

value vcl_context::purge(std::string_view how, const std::vector<value>& arguments) {
    auto& stored = environment_.objects;
    const auto or_as_it_was = [&](const value& of) {
        const auto given = span_of(of);
        return given < nanoseconds{0} ? std::nullopt : std::optional(given);
    };
    const auto struck = how == "hard"
                            ? stored.purge(key())
                            : stored.shorten(key(), now(), span_of(arguments[0]), or_as_it_was(arguments[1]), or_as_it_was(arguments[2]));
    return integer(static_cast<std::int64_t>(struck));
}

value vcl_context::call(std::string_view function, const std::vector<value>& arguments) {
    const auto first = arguments.empty() ? value() : arguments.front();
    if (function == "std.log") return log().add("VCL_Log", vcl::to_string(first)), value();
    if (function == "std.syslog") return ::syslog(integer_of(first), "%s", vcl::to_string(arguments[1]).c_str()), value();
    if (function == "std.timestamp") return log().stamp(vcl::to_string(first)), value();
    if (function == "std.healthy") return configuration_.backends.healthy(backend_of(first), key(), now());
    if (function == "directors.lookup") return vcl::backend_ref{vcl::to_string(first)};
    if (function == "std.syntax") return configuration_.program->version() >= std::lround(std::get<double>(first) * 10);
    if (function == "std.cache_req_body" && client_) {
        const auto* size = std::get_if<vcl::bytes>(&first);
        return cache_request_body(size ? size->value : 0);
    }
    if (function == "std.random" && arguments.size() > 1) {
        const auto *low = std::get_if<double>(&arguments[0]), *high = std::get_if<double>(&arguments[1]);
        const double place = static_cast<double>(environment_.random() >> 11) * 0x1p-53;
        return low && high ? *low + (*high - *low) * place : place;
    }
    if (function == "std.collect") {
        const auto field = vcl::resolved(vcl::to_string(first));
        if (held(field)) write(field, fields_of(field)->joined(field.part, arguments.size() > 1 ? vcl::to_string(arguments[1]) : ", "));
        return value();
    }
    if (function == "std.rollback") {
        const auto back = [](transaction_log& to, std::string_view prefix, request_head& now, const request_head& then) {
            to.add_changes(prefix, now.fields, then.fields);
            now = then;
        };
        if (vcl::to_string(first) == "req" && client_) back(*client_->log, "Req", client_->request, client_->original);
        if (vcl::to_string(first) == "bereq" && origin_) back(*origin_->log, "Bereq", origin_->request, origin_->original);
        return value();
    }
    if (function == "saintmode.blacklist") {
        if (origin_ && origin_->used.saint) origin_->used.saint->blacklist(key(), now(), span_of(first));
        return value();
    }
    if (function == "saintmode.status") return configuration_.backends.saint_status(now());
    const auto [object, method] = split(function);
    if (object == "purge") return purge(method, arguments);
    const auto& url = origin_ ? origin_->request.target : client_->request.target;
    return configuration_.backends.call(std::string(object), method, arguments, {key(), url, now()}).value_or(value());
}

}  // namespace badorigin::cache
