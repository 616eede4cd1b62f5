#include <cctype>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "proxy-under-test/drivers/driver.h"

namespace badorigin::drivers {
namespace {

struct host_and_port {
    std::string_view host, port;
};

host_and_port split(std::string_view address) {
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos) return {address, {}};
    auto host = address.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return {host, address.substr(colon + 1)};
}

/// `whole`, `whole.host` or `whole.port`; nothing for any other ending.
std::optional<std::string> part_of(const std::string& address, std::string_view ending) {
    if (ending.empty()) return address;
    if (ending == ".host") return std::string(split(address).host);
    if (ending == ".port") return std::string(split(address).port);
    return std::nullopt;
}

template <class Map>
std::string names_of(const Map& map) {
    std::string names;
    for (const auto& [name, _] : map) names += (names.empty() ? "" : ", ") + name;
    return names.empty() ? "none" : names;
}

bool is_placeholder_text(std::string_view inside) {
    for (const char c : inside)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.' && c != ':') return false;
    return !inside.empty();
}

class filler {
public:
    filler(const proxy_settings& settings, const std::string& file) : settings_(settings), file_(file) {}

    /// What stands for `{inside}`; nothing if the braces are not ours.
    std::optional<std::string> value(std::string_view inside, std::size_t line) const {
        if (inside.starts_with("origin:")) return origin(inside.substr(7), line);
        if (const auto found = settings_.placeholders.find(std::string(inside)); found != settings_.placeholders.end())
            return found->second;
        if (inside == "workdir") return settings_.working_directory;
        if (inside == "listen" || inside.starts_with("listen.")) {
            if (auto text = part_of(settings_.listen, inside.substr(6))) return text;
            fail(line, fmt::format("{{{}}} is unknown; there are {{listen}}, {{listen.host}} and {{listen.port}}", inside));
        }
        return std::nullopt;
    }

private:
    std::string origin(std::string_view inside, std::size_t line) const {
        // A name may contain a dot itself: the longest name wins.
        if (const auto whole = settings_.origins.find(std::string(inside)); whole != settings_.origins.end()) return whole->second;
        const auto dot = inside.rfind('.');
        const auto name = inside.substr(0, dot);
        const auto found = settings_.origins.find(std::string(name));
        if (found == settings_.origins.end())
            fail(line, fmt::format("{{origin:{}}} names no origin of this scenario (there are: {})", inside, names_of(settings_.origins)));
        if (auto text = part_of(found->second, inside.substr(dot))) return *text;
        fail(line, fmt::format("{{origin:{}}} is unknown; there are {{origin:{}}}, {{origin:{}.host}} and {{origin:{}.port}}", inside, name,
                               name, name));
    }

    [[noreturn]] void fail(std::size_t line, const std::string& what) const {
        throw set_up_error(fmt::format("{}:{}: {}", file_, line, what));
    }

    const proxy_settings& settings_;
    const std::string& file_;
};

}  // namespace

std::string fill_template(const std::string& text, const proxy_settings& settings, const std::string& file) {
    const filler fill(settings, file);
    std::string out;
    out.reserve(text.size() + 256);
    std::size_t line = 1;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\n') ++line;
        if (text[at] == '{') {
            const auto close = text.find_first_of("{}\n", at + 1);
            if (close != std::string::npos && text[close] == '}') {
                const auto inside = std::string_view(text).substr(at + 1, close - at - 1);
                if (is_placeholder_text(inside)) {
                    if (const auto value = fill.value(inside, line)) {
                        out += *value;
                        at = close;
                        continue;
                    }
                }
            }
        }
        out += text[at];
    }
    return out;
}

}  // namespace badorigin::drivers
