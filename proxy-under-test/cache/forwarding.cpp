#include "proxy-under-test/cache/forwarding.h"

namespace badorigin::cache {

void take_host_from_target(request_head& request) {
    constexpr std::string_view scheme = "http://";
    if (!same_name(std::string_view(request.target).substr(0, scheme.size()), scheme)) return;
    const auto path = request.target.find_first_of("/?", scheme.size());
    request.fields.set("Host", std::string_view(request.target).substr(scheme.size(), path - scheme.size()));
    request.target = path == std::string::npos ? "/" : request.target.substr(path);
    if (request.target.front() == '?') request.target.insert(0, 1, '/');
}

void name_client(request_head& request, const std::string& address) {
    const auto before = request.fields.joined("X-Forwarded-For");
    request.fields.set("X-Forwarded-For", before.empty() ? address : before + ", " + address);
}

origin_exchange forwarded(const client_exchange& of, std::uint64_t xid, bool passed, nanoseconds now) {
    origin_exchange out;
    out.xid = xid;
    out.ends = of.ends;
    out.started = now;
    out.key = of.key;
    out.passed = passed;
    out.backend_hint = of.backend_hint;
    out.request = of.request;
    out.request.version = 11;
    auto& fields = out.request.fields;
    remove_hop_by_hop(fields);
    if (passed) {
        if (of.has_body && !of.body_length) fields.set("Transfer-Encoding", "chunked");
    } else {
        out.request.method = "GET";
        for (const auto name : {"Content-Length", "Transfer-Encoding", "Range", "If-Range", "If-Match", "If-None-Match",
                                "If-Modified-Since", "If-Unmodified-Since"}) {
            fields.remove(name);
        }
    }
    const auto via = fields.joined("Via");
    fields.set("Via", via.empty() ? "1.1 badorigin" : via + ", 1.1 badorigin");
    fields.set("X-Varnish", std::to_string(xid));
    out.original = out.request;
    return out;
}

void make_conditional(request_head& request, const object_ptr& stored) {
    if (!stored) return;
    if (const auto* tag = stored->head.fields.find("ETag")) request.fields.set("If-None-Match", *tag);
    if (const auto* modified = stored->head.fields.find("Last-Modified")) request.fields.set("If-Modified-Since", *modified);
}

}  // namespace badorigin::cache
