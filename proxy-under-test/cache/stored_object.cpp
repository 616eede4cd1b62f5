#include "proxy-under-test/cache/stored_object.h"

#include <algorithm>

#include "proxy-under-test/cache/freshness.h"
#include "proxy-under-test/cache/planted_bugs.h"

namespace badorigin::cache {

std::uint64_t bytes_of(const stored_object& object) {
    constexpr std::uint64_t index = 256;  // the key's slot, and a node each in the lists by use and by end of life
    auto sum = sizeof object + index + object.content.size() + (object.partial ? object.partial->held() : 0) + 2 * object.key.size() +
               object.head.reason.size();
    const auto add = [&](const auto& fields) {
        for (const auto& [name, value] : fields) sum += sizeof(field) + name.size() + value.size();
    };
    add(object.head.fields);
    add(object.trailers);
    add(object.variant);
    for (const auto& part : object.parts) sum += sizeof(esi_part) + part.include.size();
    return sum;
}

std::string_view strong_validator(const field_list& fields) {
    const auto* tag = fields.find("ETag");
    if (!tag) return strong_date(fields);
    return tag->starts_with('"') ? std::string_view(*tag) : std::string_view();
}

bool stored_object::has_part_for(const request_head& request) const {
    const auto* asked = request.fields.find("Range");
    if (request.method != "GET" || !asked || !range_applies(request, head)) return false;
    const auto ranges = requested_ranges(*asked, partial->length());
    return ranges && ranges->size() == 1 && partial->find(ranges->front());
}

std::shared_ptr<stored_object> renewed_by_head(const stored_object& stored, const stored_object& answer, const request_head& request) {
    const auto& brought = answer.head.fields;
    for (const auto name : {"ETag", "Last-Modified"}) {
        if (brought.value(name) != stored.head.fields.value(name)) return nullptr;
    }
    const auto* length = brought.find("Content-Length");
    if (length && *length != std::to_string(stored.content.size())) return nullptr;
    auto out = std::make_shared<stored_object>(stored);
    out->held = false;
    out->origin_time = answer.origin_time;
    out->received = answer.received;
    update_stored_fields(out->head.fields, brought);
    const auto life = rfc_lifetime(out->head, request, out->received);
    if (life.ttl < nanoseconds{0}) return nullptr;
    out->ttl = life.ttl;
    out->grace = life.grace;
    out->keep = life.keep;
    return out;
}

namespace {
/// What a request says in one field, so that the same said otherwise is the same (RFC 9111 4.1): of the Accept fields, lists whose
/// values know no case, only the elements count; an absent field is not an empty one.
std::string selecting(std::string_view name, const field_list& request) {
    if (!request.has(name)) return "absent";
    const auto said = request.joined(name);
    if (!name.starts_with("accept")) return '=' + said;
    std::string out = "=";
    for (const auto element : list_elements(said)) out.append(lower(element)).append(",");
    std::erase_if(out, [](char c) { return c == ' ' || c == '\t'; });
    return out;
}
}  // namespace

std::vector<field> variant_of(std::string_view vary, const field_list& request) {
    std::vector<field> out;
    for (const auto named : list_elements(vary)) {
        const auto name = lower(named);
        out.push_back({name, selecting(name, request)});
    }
    return out;
}

bool variant_matches(const stored_object& object, const field_list& request) {
    if (planted(bug::ignore_vary)) return true;
    return std::ranges::all_of(object.variant, [&](const field& chosen) {
        return (object.gzipped_here && chosen.name == "accept-encoding") ||
               (chosen.name != "*" && selecting(chosen.name, request) == chosen.value);
    });
}

void abandon(object_ptr& object) {
    if (object && object->growing && object->growing->held_back) {
        object->growing->unread = true;
        object->growing->moved();
    }
    object.reset();
}

}  // namespace badorigin::cache
