// Message heads as the cache handles them: a start line and its field lines, in order, names compared without case.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace badorigin::cache {

bool same_but_for_case(std::string_view a, std::string_view b);  ///< of two that are equally long
/// Asked often, and most names differ in length.
inline bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && same_but_for_case(a, b);
}
std::string lower(std::string_view text);
std::string_view trimmed(std::string_view text);
/// The elements of a comma-separated list, trimmed, empty ones left out.
std::vector<std::string_view> list_elements(std::string_view value);

struct field {
    std::string name, value;
};

class field_list {
public:
    /// The first field of that name, or null.
    const std::string* find(std::string_view name) const;
    /// The value of the first field of that name, or the empty string.
    std::string_view value(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    /// All values of that name joined, as a rule by ", " (RFC 9110 5.3).
    std::string joined(std::string_view name, std::string_view separator = ", ") const;
    bool has_element(std::string_view name, std::string_view element) const;

    void append(std::string_view name, std::string_view value);
    /// One field of that name afterwards: in the place of the first, or at the end.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    void remove(std::span<const std::string_view> names);
    /// A copy that takes so many fields more without being moved for it.
    field_list with_room_for(std::size_t more) const;

    bool empty() const { return fields_.empty(); }
    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }

private:
    std::vector<field> fields_;
};

struct request_head {
    std::string method, target;
    int version = 11;  ///< 10 or 11
    field_list fields;
};
struct response_head {
    int status = 0;
    std::string reason;
    int version = 11;
    field_list fields;
};

/// Content in the chunked transfer coding.
std::string as_chunk(std::string_view content);
/// The end of such a content, with its trailer section.
std::string last_chunk(const field_list& trailers);
std::string to_wire(const request_head& head);
std::string to_wire(const response_head& head);
std::string_view version_text(int version);
std::string_view standard_reason(int status);

/// Whether the connection may carry another message after this one, as far as the head says (RFC 9112 9.3).
bool persists(int version, const field_list& fields);

/// Removes what Connection names and Connection's word about it, so that nothing that is added later can be meant. Its own options stay.
void remove_nominated(field_list& fields);

/// Removes what belongs to the one connection (RFC 9110 7.6.1): Connection, what it names, and the customary others.
void remove_hop_by_hop(field_list& fields);

/// RFC 9110 6.5.1: not what frames, routes, modifies, authenticates or controls a message, or says how to read its content: a recipient
/// needs that before the content, and who merged it later would be told something else than who did not. What RFCs allow there by name
/// (ETag, Content-Digest, Authentication-Info ...) is allowed, unless Connection names it in the `header` before.
bool may_be_trailer(std::string_view name, const field_list& header);
/// What Trailer announces of those.
std::string announced_trailers(const field_list& header);

/// RFC 9111 3.2: what a 304, or the answer to a HEAD, says anew takes the place of what is stored, but for what describes its content.
void update_stored_fields(field_list& stored, const field_list& brought);

/// RFC 9110 9.2.2. A method that is not known is not idempotent.
bool is_idempotent(std::string_view method);

}  // namespace badorigin::cache
