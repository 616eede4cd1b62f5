// Typed values out of YAML nodes. What does not fit becomes a problem with its place, and reading goes on, so that one run shows all
// problems of a file.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "harness/scenario/durations.h"
#include "harness/scenario/yaml.h"

namespace badorigin::scenario {

struct entry {
    std::string key;
    YAML::Node key_node, value;
};

/// A client step as other parts of the file may name it.
struct named_client {
    std::string name;
    int repeat = 1;
    bool waits = true;
};
struct named_step {
    std::string name;
    std::vector<named_client> clients;
};

class reader {
public:
    explicit reader(std::string file, std::uint64_t seed = 0) : file_(std::move(file)), seed_(seed) {}

    /// Of generated content that names none.
    std::uint64_t seed() const { return seed_; }

    void wrong(const YAML::Node& where, std::string message);
    place at(const YAML::Node& where) const;
    bool any_wrong() const { return !problems_.empty(); }
    std::vector<problem> take_problems();  ///< in file order

    // Each says what was expected, and gives nothing when the node is something else. `what` is how messages call it.
    std::optional<std::string> text(const YAML::Node& from, std::string_view what);
    std::optional<std::string> name(const YAML::Node& from, std::string_view what);  ///< one that is_name
    std::optional<std::int64_t> whole(const YAML::Node& from, std::string_view what, std::int64_t least, std::int64_t most);
    std::optional<int> count(const YAML::Node& from, std::string_view what);
    std::optional<int> status(const YAML::Node& from, std::string_view what, int least = 100, int most = 999);
    std::optional<double> number(const YAML::Node& from, std::string_view what);
    std::optional<bool> yes_no(const YAML::Node& from, std::string_view what);
    std::optional<std::uint64_t> size(const YAML::Node& from, std::string_view what);
    std::optional<nanoseconds> literal_duration(const YAML::Node& from, std::string_view what);
    /// A sum of durations and promises. One that makes the run wait decides whether the scenario can be run in real time.
    std::optional<nanoseconds> duration(const YAML::Node& from, std::string_view what, bool waits = false);
    std::vector<YAML::Node> list(const YAML::Node& from, std::string_view what);
    std::vector<std::string> texts(const YAML::Node& from, std::string_view what);
    std::vector<entry> entries(const YAML::Node& from, std::string_view what);  ///< of a mapping, duplicates left out

    template <class Words>
    auto one_of(const YAML::Node& from, std::string_view what, const Words& words) -> std::optional<decltype(words.front().value)> {
        const auto word = text(from, what);
        if (!word) return std::nullopt;
        std::vector<std::string> known;
        for (const auto& candidate : words) {
            if (candidate.text == *word) return candidate.value;
            known.emplace_back(candidate.text);
        }
        not_known(from, what, *word, known);
        return std::nullopt;
    }
    /// "WHAT: unknown 'word'; did you mean …?"
    void not_known(const YAML::Node& where, std::string_view what, std::string_view word, const std::vector<std::string>& known);
    /// The origin of that name exists, or a problem.
    bool known_origin(const YAML::Node& where, std::string_view name);
    /// Somebody whom a proxy asks: an origin, or another proxy.
    bool known_server(const YAML::Node& where, std::string_view name);
    bool known_proxy(const YAML::Node& where, std::string_view name);
    /// "NAME" or "NAME#2" of a client step, or a problem.
    bool known_client(const YAML::Node& where, std::string_view what, std::string_view name);
    void longest_wait(nanoseconds literal) { longest_wait_ = std::max(longest_wait_, literal); }
    nanoseconds longest_wait() const { return longest_wait_; }

    std::map<std::string, nanoseconds> promises;  ///< as they are for this mode
    std::vector<std::string> origin_names, proxy_names;
    std::vector<named_step> step_names;  ///< all of the file, in order

private:
    std::string file_;
    std::uint64_t seed_;
    std::multimap<std::pair<int, int>, problem> problems_;  ///< by line and column
    nanoseconds longest_wait_{0};
};

/// A mapping whose keys are known beforehand: others are problems as soon as it is made.
class shape {
public:
    shape(reader& to, const YAML::Node& from, std::string_view what, std::span<const std::string_view> keys);
    const YAML::Node& where() const { return from_; }
    const entry* find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }
    /// It is a mapping without that key, nor one that was taken for a misspelling of it: so a typing mistake is one problem, not two.
    bool lacks(std::string_view key) const;
    /// Hands the key's value to `read`, when it is there.
    template <class Read>
    void with(std::string_view key, Read read) const {
        if (const auto* found = find(key)) read(found->value);
    }
    /// A problem for each of `keys` that is there.
    void without(std::span<const std::string_view> keys, std::string_view why) const;

private:
    reader& to_;
    const YAML::Node& from_;
    std::vector<entry> entries_;
    std::vector<std::string> misspelt_;  ///< the keys that were probably meant
};

bool is_plain(const YAML::Node& scalar);  ///< written without quotes
std::string describe(const YAML::Node& what);

template <class Target, class Source>
void set(Target& target, std::optional<Source> value) {
    if (value) target = std::move(*value);
}

}  // namespace badorigin::scenario
