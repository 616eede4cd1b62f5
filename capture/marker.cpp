#include "capture/marker.h"

#include <array>

#include <nlohmann/json.hpp>

namespace badorigin::capture {
namespace {

constexpr std::string_view prefix = "badorigin-marker ";
constexpr std::array<std::string_view, 6> kinds = {"start", "clock", "step-begin", "step-end", "note", "stop"};

template <typename Number>
bool read(const nlohmann::json& from, const char* name, Number& into) {
    const auto found = from.find(name);
    if (found == from.end()) return true;
    if (!found->is_number_integer()) return false;
    into = found->get<Number>();
    return true;
}
bool read(const nlohmann::json& from, const char* name, std::string& into) {
    const auto found = from.find(name);
    if (found == from.end()) return true;
    if (!found->is_string()) return false;
    into = found->get<std::string>();
    return true;
}

}  // namespace

std::string marker::payload() const {
    nlohmann::ordered_json line;
    line["kind"] = kinds[static_cast<std::size_t>(kind)];
    line["number"] = number;
    line["nonce"] = nonce;
    line["clock_ns"] = clock.count();
    if (wall.count() != 0) line["wall_ns"] = wall.count();
    if (!text.empty()) line["text"] = text;
    if (kind == kind::stop) line["total"] = total;
    return std::string(prefix) + line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<marker> marker::parse(std::string_view payload) {
    if (!payload.starts_with(prefix)) return {};
    const auto line = nlohmann::json::parse(payload.substr(prefix.size()), nullptr, false);
    if (!line.is_object()) return {};
    marker m;
    std::string kind;
    std::int64_t clock = 0, wall = 0;
    if (!read(line, "kind", kind) || !read(line, "number", m.number) || !read(line, "nonce", m.nonce) || !read(line, "clock_ns", clock) ||
        !read(line, "wall_ns", wall) || !read(line, "text", m.text) || !read(line, "total", m.total))
        return {};
    m.clock = nanoseconds(clock);
    m.wall = nanoseconds(wall);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (kinds[i] != kind) continue;
        m.kind = static_cast<enum marker::kind>(i);
        return m;
    }
    return {};
}

}  // namespace badorigin::capture
