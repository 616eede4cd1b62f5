#include "proxy-under-test/drivers/words.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <stdlib.h>

#include "proxy-under-test/drivers/driver.h"

namespace badorigin::drivers {

std::vector<std::string> split_command_line(const std::string& line) {
    std::vector<std::string> words;
    std::string word;
    bool inside = false;  // of a word, which may be empty: ''
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
            if (inside) words.push_back(std::exchange(word, {}));
            inside = false;
            continue;
        }
        inside = true;
        if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
            const char next = line[++i];
            if (quote == '"' && next != '"' && next != '\\') word += c;
            word += next;
        } else {
            word += c;
        }
    }
    if (quote != '\0') throw set_up_error(fmt::format("the command line has an open {}: {}", quote, line));
    if (inside) words.push_back(word);
    return words;
}

std::string near_miss(const std::string& word, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        std::vector<std::size_t> row(candidate.size() + 1);
        std::iota(row.begin(), row.end(), 0);
        for (std::size_t i = 0; i < word.size(); ++i) {
            auto diagonal = std::exchange(row[0], i + 1);
            for (std::size_t j = 0; j < candidate.size(); ++j) {
                const std::size_t replaced = diagonal + (word[i] == candidate[j] ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, replaced});
            }
        }
        if (row.back() < least) {
            least = row.back();
            best = candidate;
        }
    }
    return best;
}

std::string where_to_get(const std::string& program) {
    static const std::map<std::string, std::string> packages{
        {"varnishd", "varnish"}, {"varnishlog", "varnish"}, {"vmod", "varnish-modules"},         {"nginx", "nginx"},
        {"haproxy", "haproxy"},  {"squid", "squid"},        {"traffic_server", "trafficserver"}, {"apache2", "apache2"}};
    const auto found = packages.find(base_name(program));
    return found == packages.end() ? std::string{} : "install Debian's package " + found->second;
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw set_up_error(fmt::format("{} cannot be read: {}", path, std::generic_category().message(errno)));
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed)) throw set_up_error(fmt::format("{} cannot be read: it is a directory", path));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) throw set_up_error(fmt::format("{} cannot be written: {}", path, std::generic_category().message(errno)));
}

private_folder::private_folder() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    path_ = (error ? std::filesystem::path("/var") / "tmp" : base).string() + "/badorigin-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr)
        throw set_up_error(fmt::format("cannot make a temporary folder {}: {}", path_, std::generic_category().message(errno)));
}

private_folder::~private_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace badorigin::drivers
