#include "reports/own_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "reports/escaped.h"

namespace badorigin::report {

namespace {

constexpr auto file_name = "/proxy/cache.log";
constexpr std::array<std::string_view, 13> decisions{"VCL_call", "VCL_return", "VCL_Log", "VCL_Error", "Hit",        "HitMiss", "HitPass",
                                                     "TTL",      "FetchError", "Error",   "Storage",   "Fetch_Body", "Debug"};

/// The next word, which is removed.
std::string_view word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const auto out = text.substr(0, text.find(' '));
    text.remove_prefix(out.size());
    return out;
}

std::uint64_t number_of(std::string_view text) {
    std::uint64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

/// The `n`-th word and the next: an address and its port.
std::string address(std::string_view value, int n) {
    for (; n > 0; --n) word(value);
    const auto host = word(value);
    return fmt::format("{} {}", host, word(value));
}

}  // namespace

std::shared_ptr<const own_log> own_log::of_bundle(const std::string& folder) {
    if (folder.empty()) return nullptr;
    std::ifstream in(folder + file_name);
    if (!in) return nullptr;
    std::ostringstream text;
    text << in.rdbuf();
    return std::make_shared<own_log>(text.view());
}

own_log::own_log(std::string_view lines) {
    while (!lines.empty()) {
        auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        const auto number = number_of(word(line));
        const auto tag = word(line), side = word(line);
        if (side.size() == 1 && number > 0)
            take(number, {std::string(tag), std::string(line.substr(std::min<std::size_t>(line.size(), 1)))});
    }
}

/// A connection whose asking end is this one.
void own_log::begin(const std::string& connection) {
    if (!on_connection_.try_emplace(connection).second) ambiguous_.insert(connection);
}

void own_log::take(std::uint64_t number, entry what) {
    std::string_view value = what.value;
    if (what.tag == "SessOpen") begin(sessions_[number] = address(value, 0));
    if (what.tag == "Begin" && word(value) == "req") {
        const auto session = sessions_.find(number_of(word(value)));
        if (session != sessions_.end() && word(value) == "rxreq") on_connection_[session->second].push_back(number);
    }
    if (what.tag == "BackendOpen") begin(address(what.value, 4));
    if (what.tag == "BackendOpen" || what.tag == "BackendReuse") on_connection_[address(what.value, 4)].push_back(number);
    transactions_[number].push_back(std::move(what));
}

std::string own_log::text(const capture::exchange& what, part shown) const {
    const auto end = fmt::format("{} {}", what.on->client.address.text(), what.on->client.port);
    const auto connection = on_connection_.find(end);
    if (connection == on_connection_.end() || ambiguous_.contains(end) || what.index >= connection->second.size()) return {};
    const auto number = connection->second[what.index];
    auto out = fmt::format("    = the proxy's own log, transaction {} (shown, never judged)\n", number);
    for (const auto& [tag, value] : transactions_.at(number))
        if (shown == part::all || std::ranges::find(decisions, tag) != decisions.end())
            out += fmt::format("      {:<14} {}\n", escaped(tag), escaped(value));
    return out;
}

}  // namespace badorigin::report
