#include "proxy-under-test/cache/esi.h"

#include <array>
#include <optional>
#include <utility>

namespace badorigin::cache {

namespace {
std::string unescaped(std::string_view text) {
    static constexpr auto entities =
        std::to_array<std::pair<std::string_view, char>>({{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}});
    std::string out;
    while (!text.empty()) {
        char next = text.front();
        std::size_t used = 1;
        for (const auto& [name, meant] : entities) {
            if (!text.starts_with(name)) continue;
            next = meant;
            used = name.size();
        }
        out += next;
        text.remove_prefix(used);
    }
    return out;
}

/// The value of NAME="VALUE" or NAME='VALUE' in a tag.
std::optional<std::string> attribute(std::string_view tag, std::string_view name) {
    for (auto at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
        const bool begins = at > 0 && std::string_view(" \t\r\n").contains(tag[at - 1]);
        const auto quote = at + name.size() + 1;
        if (!begins || quote >= tag.size() || tag[quote - 1] != '=' || (tag[quote] != '"' && tag[quote] != '\'')) continue;
        const auto end = tag.find(tag[quote], quote + 1);
        if (end == std::string_view::npos) return std::nullopt;
        return unescaped(tag.substr(quote + 1, end - quote - 1));
    }
    return std::nullopt;
}

class parser {
public:
    explicit parser(std::string_view content) : all_(content) {}

    std::expected<std::vector<esi_part>, std::string> run() {
        while (at_ < all_.size()) {
            const auto next = all_.find_first_of("<-", at_);
            text_until(std::min(next, all_.size()));
            if (at_ == all_.size()) break;
            const auto rest = all_.substr(at_);
            if (rest.starts_with("<!--esi")) {
                at_ += 7;
                unwrapped_ = true;
            } else if (unwrapped_ && rest.starts_with("-->")) {
                at_ += 3;
                unwrapped_ = false;
            } else if (rest.starts_with("<esi:") || rest.starts_with("</esi:")) {
                if (auto wrong = element(rest)) return std::unexpected(std::move(*wrong));
            } else {
                text_until(at_ + 1);
            }
        }
        if (unwrapped_) return std::unexpected("<!--esi without -->");
        return std::move(parts_);
    }

private:
    void text_until(std::size_t end) {
        if (end == at_) return;
        auto* last = parts_.empty() ? nullptr : &parts_.back();
        if (last && last->include.empty() && last->at + last->size == at_) {
            last->size += end - at_;
        } else {
            parts_.push_back({.at = at_, .size = end - at_, .include = {}});
        }
        at_ = end;
    }

    std::optional<std::string> element(std::string_view rest) {
        const auto close = rest.find('>');
        if (close == std::string_view::npos) return "an ESI tag that does not end";
        const auto tag = rest.substr(0, close);
        const auto name = tag.substr(0, tag.find_first_of(" \t\r\n/", 2));
        at_ += close + 1;
        if (name == "<esi:remove") {
            const auto end = all_.find("</esi:remove>", at_);
            if (end == std::string_view::npos) return "<esi:remove> without its end";
            at_ = end + 13;
        } else if (name == "<esi:include") {
            auto source = attribute(tag, "src");
            if (!source || source->empty()) return "<esi:include> without src";
            parts_.push_back({.include = std::move(*source), .may_fail = attribute(tag, "onerror") == "continue"});
        }
        return std::nullopt;
    }

    std::string_view all_;
    std::size_t at_ = 0;
    bool unwrapped_ = false;
    std::vector<esi_part> parts_;
};
}  // namespace

std::expected<std::vector<esi_part>, std::string> parse_esi(std::string_view content) {
    return parser(content).run();
}

}  // namespace badorigin::cache
