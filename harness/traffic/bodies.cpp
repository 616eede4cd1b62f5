#include "harness/traffic/bodies.h"

#include <algorithm>

namespace badorigin::traffic {

namespace {

bool is_text(std::string_view bytes) {
    return std::ranges::all_of(bytes, [](unsigned char c) { return (c >= ' ' && c != 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
}

}  // namespace

std::optional<std::string> body_book::as_it_was(const http::message& m) const {
    constexpr std::size_t short_enough = 200;
    if (how_ == bodies::size || !m.complete || m.content_start.size() != m.content_size) return std::nullopt;
    if (how_ == bodies::short_text && (m.content_size > short_enough || !is_text(m.content_start))) return std::nullopt;
    return hidden_.body(m.content_start);
}

peers::content body_book::of(const http::message& m, std::optional<std::uint64_t> size) {
    const auto bytes = size.value_or(m.content_size);
    if (bytes == 0) return {};
    const bool cut = bytes != m.content_size;
    const auto [at, fresh] = seen_.try_emplace(key{bytes, cut ? 0 : m.content_hash});
    auto& content = at->second;
    if (fresh) {
        content.kind = peers::content::kind::generated;
        content.size = bytes;
        content.seed = seen_.size();
        if (auto text = cut ? std::nullopt : as_it_was(m)) {
            content = {};
            content.kind = peers::content::kind::literal;
            content.literal = std::move(*text);
        }
    }
    return content;
}

std::optional<peers::content> body_book::known(const http::message& m) const {
    if (m.content_size == 0) return std::nullopt;
    const auto at = seen_.find(key{m.content_size, m.content_hash});
    return at == seen_.end() ? std::nullopt : std::optional{at->second};
}

}  // namespace badorigin::traffic
