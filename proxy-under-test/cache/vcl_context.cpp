#include "proxy-under-test/cache/vcl_context.h"

#include <cmath>

#include <syslog.h>

#include "proxy-under-test/cache/gzip.h"
#include "proxy-under-test/cache/vcl_values.h"

namespace badorigin::cache {

namespace {
using vcl::value;

constexpr std::string_view http_prefix = "http.";
constexpr auto connect_timeout = std::chrono::milliseconds(3500);
constexpr auto first_byte_timeout = std::chrono::seconds(60);
}  // namespace

const std::string& vcl_context::key() const {
    return origin_ ? origin_->key : client_->key;
}
transaction_log& vcl_context::log() const {
    return origin_ ? *origin_->log : *client_->log;
}

value vcl_context::read(std::string_view variable) {
    std::string_view header;
    if (const auto* fields = fields_of(variable, header)) {
        const auto* found = fields->find(header);
        return found ? value(*found) : value();
    }
    const auto [of, member] = split(variable);
    if (of == "req" && client_) return read_req(member);
    if (of == "req_top" && client_) {
        vcl_context top(environment_, configuration_, const_cast<client_exchange*>(client_->top), nullptr);
        return client_->top ? top.read_req(member) : read_req(member);
    }
    if (of == "bereq" && origin_) return read_bereq(member);
    if (of == "beresp" && origin_) return read_beresp(member);
    if (of == "obj" && client_ && client_->object) return read_obj(member);
    if (of == "obj" && client_) return read_resp(member);  // vcl_error of VCL 3: what is being made
    if (of == "resp" && client_) return read_resp(member);
    return read_common(variable);
}

value vcl_context::read_common(std::string_view variable) const {
    if (variable == "now") return moment(now());
    if (variable == "server.hostname" || variable == "server.identity") return text("badorigin-cache");
    if (!client_ && !origin_) return {};
    const auto& ends = client_ ? client_->ends : origin_->ends;
    if (variable == "client.identity") return text(client_ && !client_->identity.empty() ? client_->identity : ends.client_ip);
    if (variable == "client.ip") return vcl::ip{ends.client_ip, ends.client_port};
    if (variable == "server.ip") return vcl::ip{ends.server_ip, ends.server_port};
    if (variable == "remote.ip") return vcl::ip{ends.remote_ip, ends.remote_port};
    if (variable == "local.ip") return vcl::ip{ends.local_ip, ends.local_port};
    if (variable == "server.port") return integer(ends.server_port);
    if (variable == "local.endpoint") return text(ends.local_ip + ':' + std::to_string(ends.local_port));
    if (variable == "local.socket") return text("a0");
    if (variable == "sess.xid") return text(std::to_string(ends.session_id));
    if (variable == "sess.timeout_idle" && client_) return span(client_->session->idle);
    if (variable == "sess.idle_send_timeout" && client_) return span(client_->session->idle_send);
    if (variable.starts_with("storage.")) return read_storage(variable.substr(8));
    return {};
}

/// NAME.free_space, NAME.used_space, NAME.happy.
value vcl_context::read_storage(std::string_view of) const {
    const auto dot = of.rfind('.');
    const auto found = environment_.objects.areas.find(of.substr(0, dot));
    if (found == environment_.objects.areas.end()) return {};
    const auto& [limit, used, evicted, objects] = found->second;
    if (of.ends_with(".used_space")) return vcl::bytes{used};
    if (of.ends_with(".free_space")) return vcl::bytes{limit - used};
    return true;
}

value vcl_context::read_req(std::string_view member) const {
    const auto& c = *client_;
    if (member == "method") return text(c.request.method);
    if (member == "url") return text(c.request.target);
    if (member == "proto") return text(version_text(c.request.version));
    if (member == "restarts") return integer(c.restarts);
    if (member == "xid") return text(std::to_string(c.xid));
    if (member == "time") return moment(c.started);
    if (member == "transport") return text("HTTP/1");
    if (member == "grace") return span(c.most_grace.value_or(std::chrono::hours(24 * 365)));
    if (member == "ttl") return span(c.most_ttl.value_or(std::chrono::hours(24 * 365)));
    if (member == "esi_level") return integer(c.esi_level);
    if (member == "esi") return c.esi;
    if (member == "can_gzip") return accepts_gzip(c.request.fields);
    if (member == "hash_ignore_vary") return c.hash_ignore_vary;
    if (member == "hash_always_miss") return c.hash_always_miss;
    if (member == "hash_ignore_busy") return c.hash_ignore_busy;
    if (member == "is_hitmiss") return c.is_hit_for_miss;
    if (member == "is_hitpass") return c.is_hit_for_pass;
    if (member == "backend_hint") return vcl::backend_ref{hint_or_default(c.backend_hint)};
    if (member == "backend.healthy") return configuration_.backends.healthy(hint_or_default(c.backend_hint), key(), now());
    return {};
}

/// What no policy has set is the first backend of the configuration.
std::string vcl_context::hint_or_default(const std::string& hint) const {
    return hint.empty() ? configuration_.backends.default_name() : hint;
}

value vcl_context::read_bereq(std::string_view member) const {
    const auto& o = *origin_;
    if (member == "method") return text(o.request.method);
    if (member == "url") return text(o.request.target);
    if (member == "proto") return text(version_text(o.request.version));
    if (member == "xid") return text(std::to_string(o.xid));
    if (member == "time") return moment(o.started);
    if (member == "retries") return integer(o.retries);
    if (member == "backend") return vcl::backend_ref{hint_or_default(o.backend_hint)};
    if (member == "uncacheable") return o.passed;
    if (member == "is_bgfetch") return o.background;
    if (member == "is_hitmiss") return o.is_hit_for_miss;
    if (member == "is_hitpass") return o.is_hit_for_pass;
    if (member == "connect_timeout") return span(o.connect_timeout.value_or(connect_timeout));
    if (member == "first_byte_timeout") return span(o.first_byte_timeout.value_or(first_byte_timeout));
    if (member == "between_bytes_timeout") return span(o.between_bytes_timeout.value_or(first_byte_timeout));
    return {};
}

value vcl_context::read_beresp(std::string_view member) const {
    const auto& o = *origin_;
    if (member == "proto") return text(version_text(o.response.version));
    if (member == "status") return integer(o.response.status);
    if (member == "reason") return text(o.response.reason);
    if (member == "time") return moment(o.received);
    if (member == "ttl") return span(o.ttl - (now() - o.origin_time));
    if (member == "age") return span(now() - o.origin_time);
    if (member == "grace") return span(o.grace);
    if (member == "keep") return span(o.keep);
    if (member == "uncacheable") return o.uncacheable;
    if (member == "was_304") return o.was_304;
    if (member == "backend") return vcl::backend_ref{o.used_name};
    if (member == "backend.name") return text(o.used_name);
    if (member == "backend.port") return integer(o.used.to ? o.used.to->port : 0);
    if (member == "backend.ip") return o.used.to ? vcl::ip{o.used.to->address, o.used.to->port} : vcl::ip{};
    if (member == "storage" || member == "storage_hint") return o.storage;
    if (member == "do_stream") return o.do_stream;
    if (member == "do_esi") return o.do_esi;
    if (member == "do_gzip") return o.do_gzip;
    if (member == "do_gunzip") return o.do_gunzip;
    return {};
}

value vcl_context::read_obj(std::string_view member) const {
    const auto& o = *client_->object;
    if (member == "hits") return integer(o.hits);
    if (member == "proto") return text(version_text(o.head.version));
    if (member == "status") return integer(o.head.status);
    if (member == "reason") return text(o.head.reason);
    if (member == "time") return moment(o.received);
    if (member == "ttl") return span(o.ttl_left(now()));
    if (member == "age") return span(o.age(now()));
    if (member == "grace") return span(o.grace);
    if (member == "keep") return span(o.keep);
    if (member == "uncacheable") return o.passed;
    if (member == "can_esi") return !o.parts.empty();
    if (member == "storage") return o.storage;
    return {};
}

value vcl_context::read_resp(std::string_view member) const {
    const auto& r = client_->response;
    if (member == "proto") return text(version_text(r.version));
    if (member == "status") return integer(r.status);
    if (member == "reason") return text(r.reason);
    if (member == "time") return moment(now());
    if (member == "is_streaming") return client_->object && client_->object->growing && !client_->object->growing->ended;
    if (member == "do_esi") return client_->esi;
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

field_list* vcl_context::fields_of(std::string_view variable, std::string_view& header) {
    const auto [of, member] = split(variable);
    if (!member.starts_with(http_prefix)) return nullptr;
    header = member.substr(http_prefix.size());
    if (of == "req" && client_) return &client_->request.fields;
    if (of == "req_top" && client_) return &const_cast<client_exchange*>(client_->top ? client_->top : client_)->request.fields;
    if (of == "bereq" && origin_) return &origin_->request.fields;
    if (of == "beresp" && origin_) return &origin_->response.fields;
    if (of == "resp" && client_) return &client_->response.fields;
    if (of == "obj" && client_) return client_->object ? &client_->object->head.fields : &client_->response.fields;
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
        std::string_view header;
        const auto name = vcl::to_string(first), separator = arguments.size() > 1 ? vcl::to_string(arguments[1]) : ", ";
        if (auto* fields = fields_of(name, header); fields && fields->has(header)) {
            tell_of_field(split(name).first, "Unset", *fields, header);
            fields->set(header, fields->joined(header, separator));
            tell_of_field(split(name).first, "Header", *fields, header);
        }
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
