#include "reports/own_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "reports/escaped.h"

namespace badorigin::report {

namespace {

constexpr auto file_name = "cache.log";
constexpr std::array<std::string_view, 13> decisions{"VCL_call", "VCL_return", "VCL_Log", "VCL_Error", "Hit",        "HitMiss", "HitPass",
                                                     "TTL",      "FetchError", "Error",   "Storage",   "Fetch_Body", "Debug"};

/// The next word, which is removed.
std::string_view word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const auto out = text.substr(0, text.find(' '));
    text.remove_prefix(out.size());
    return out;
}

std::uint64_t as_number(std::string_view text) {
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
    std::map<std::string, std::string> lines;
    const auto read = [&](const std::string& name, const std::filesystem::path& file) {
        std::ifstream in(file);
        std::ostringstream text;
        if (in) lines[name] = (text << in.rdbuf(), std::move(text).str());
    };
    const auto home = std::filesystem::path(folder) / "proxy";
    read("", home / file_name);
    std::error_code none;
    for (const auto& of_one : std::filesystem::directory_iterator(home, none)) read(of_one.path().filename(), of_one.path() / file_name);
    return lines.empty() ? nullptr : std::make_shared<own_log>(lines);
}

own_log::own_log(const std::map<std::string, std::string>& lines) {
    for (const auto& [name, text] : lines) proxies_.emplace(name, text);
}

own_log::records::records(std::string_view lines) {
    while (!lines.empty()) {
        auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        const auto number = as_number(word(line));
        const auto tag = word(line), side = word(line);
        if (side.size() == 1 && number > 0)
            take(number, {std::string(tag), std::string(line.substr(std::min<std::size_t>(line.size(), 1)))});
    }
}

/// A connection whose asking end is this one.
void own_log::records::begin(const std::string& connection) {
    if (!on_connection.try_emplace(connection).second) ambiguous.insert(connection);
}

void own_log::records::take(std::uint64_t number, entry what) {
    std::string_view value = what.value;
    if (what.tag == "SessOpen") begin(sessions[number] = address(value, 0));
    if (what.tag == "Begin" && word(value) == "req") {
        const auto session = sessions.find(as_number(word(value)));
        if (session != sessions.end() && word(value) == "rxreq") on_connection[session->second].push_back(number);
    }
    if (what.tag == "BackendOpen") begin(address(what.value, 4));
    if (what.tag == "BackendOpen" || what.tag == "BackendReuse") on_connection[address(what.value, 4)].push_back(number);
    transactions[number].push_back(std::move(what));
}

std::uint64_t own_log::records::number_of(const capture::exchange& what) const {
    const auto end = fmt::format("{} {}", what.on->client.address.text(), what.on->client.port);
    const auto connection = on_connection.find(end);
    if (connection == on_connection.end() || ambiguous.contains(end) || what.index >= connection->second.size()) return 0;
    return connection->second[what.index];
}

std::string own_log::text(const capture::exchange& what, part shown) const {
    std::string out;
    for (const auto& [name, logged] : proxies_) {
        const auto number = logged.number_of(what);
        if (number == 0) continue;
        out += fmt::format("    = {} own log, transaction {} (shown, never judged)\n", name.empty() ? "the proxy's" : name + "'s", number);
        for (const auto& [tag, value] : logged.transactions.at(number))
            if (shown == part::all || std::ranges::find(decisions, tag) != decisions.end())
                out += fmt::format("      {:<14} {}\n", escaped(tag), escaped(value));
    }
    return out;
}

}  // namespace badorigin::report
