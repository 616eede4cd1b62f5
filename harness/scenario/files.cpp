#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/scenario/document.h"
#include "harness/scenario/parts.h"

namespace badorigin::scenario {

namespace fs = std::filesystem;

namespace {

std::expected<std::string, problem> text_of(const std::string& file) {
    std::ifstream input{file, std::ios::binary};
    std::error_code error;
    const bool is_file = fs::is_regular_file(file, error);
    if (!input || !is_file) return std::unexpected(problem{{file, 0, 0}, "cannot be read; expected a scenario file"});
    std::string text(largest_file + 1, '\0');
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(input.gcount()));
    return text;
}

std::string id_of(const std::string& file, const std::string& root) {
    const auto below = fs::path{file}.lexically_normal().lexically_relative(fs::path{root}.lexically_normal());
    const bool outside = below.empty() || *below.begin() == ".." || below == ".";
    const auto path = outside ? fs::path{file}.filename() : below;
    return fs::path{path}.replace_extension().generic_string();
}

}  // namespace

std::expected<scenario, std::vector<problem>> read_file(const std::string& file, const std::string& root, time_mode mode,
                                                        const std::vector<std::string>& known_rules, std::uint64_t seed) {
    const auto text = text_of(file);
    if (!text) return std::unexpected(std::vector{text.error()});
    return read_yaml(*text, file, id_of(file, root), mode, known_rules, seed);
}

std::expected<std::vector<scenario>, std::vector<problem>> read_all(const std::string& file, const std::string& root, time_mode mode,
                                                                    const std::vector<std::string>& known_rules, std::uint64_t seed) {
    const auto text = text_of(file);
    if (!text) return std::unexpected(std::vector{text.error()});
    const auto document = load_document(*text, file);
    if (!document) return std::unexpected(std::vector{document.error()});
    const auto id = id_of(file, root);
    if (is_table(*document)) return read_table(*document, file, id, mode, known_rules, seed);
    auto one = read_yaml(*text, file, id, mode, known_rules, seed);
    if (!one) return std::unexpected(std::move(one.error()));
    return std::vector{std::move(*one)};
}

std::vector<std::string> ids_in(const std::string& file, const std::string& root) {
    const auto id = id_of(file, root);
    const auto text = text_of(file);
    const auto document = text ? load_document(*text, file) : std::unexpected(text.error());
    if (!document || !is_table(*document)) return {id};
    auto names = case_names(*document);
    for (auto& name : names) name.insert(0, id + "/");
    return names;
}

std::vector<std::string> find_scenarios(const std::string& path) {
    const auto is_yaml = [](const fs::path& name) { return name.extension() == ".yaml" || name.extension() == ".yml"; };
    std::vector<std::string> out;
    std::error_code error;
    if (fs::is_regular_file(path, error)) return {path};
    for (auto at = fs::recursive_directory_iterator{path, error}; !error && at != fs::recursive_directory_iterator{}; at.increment(error)) {
        if (at->is_directory(error) && at->path().filename() == "policies") {
            at.disable_recursion_pending();
        } else if (is_yaml(at->path()) && at->is_regular_file(error)) {
            out.push_back(at->path().generic_string());
        }
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace badorigin::scenario
