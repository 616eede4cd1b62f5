// The catalogue of faults: one row each, no behaviour (compile.h turns a reply with its fault into bytes and actions).
#pragma once

#include <span>
#include <string_view>

namespace badorigin::peers {

enum class strikes : unsigned char { at_connect, before_response, in_header, in_body, after_response, framing, semantics };
std::string_view name(strikes place);

struct fault_row {
    std::string_view id;  ///< "close-in-body"
    strikes place;
    std::string_view on_the_wire;  ///< one sentence: what goes over the wire
    std::string_view breaks;       ///< "RFC 9112 section 8", or empty
    std::string_view who;          ///< "R0.8": the field report, or who was hurt by it
    std::string_view arguments;    ///< names of the arguments it reads, comma-separated: "after,for"
};

std::span<const fault_row> fault_catalogue();
/// Null where there is none of that id.
const fault_row* find_fault(std::string_view id);

}  // namespace badorigin::peers
