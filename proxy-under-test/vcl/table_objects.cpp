#include <algorithm>

#include "proxy-under-test/vcl/table_rows.h"

namespace badorigin::cache::vcl {

namespace {

using enum type;
using namespace row;

constexpr places choosing = both_sides | in(subroutine::init);
const parameter member = needs("backend", backend);

/// What every director but shard offers.
std::vector<function> methods_with(std::vector<parameter> add_backend, std::vector<parameter> choose = {}) {
    return {asked("add_backend", nothing, std::move(add_backend), "adds a backend or director"),
            asked("remove_backend", nothing, {member}, "takes it out again"),
            asked("backend", backend, std::move(choose), "the backend to ask", choosing)};
}

std::vector<function> methods_of_shard() {
    const parameter ident = may("ident", string);
    return {
        asked("add_backend", boolean, {member, ident, refused("rampup", duration), may("weight", real)},
              "adds a backend; ident is hashed in the place of its name"),
        asked("remove_backend", boolean, {may("backend", backend), ident}, "takes it out again, by either or both"),
        asked("clear", boolean, {}, "takes all out"),
        asked("reconfigure", boolean, {refused("replicas", integer)}, "makes the changes count; here they count at once"),
        asked("key", integer, {needs("text", string)}, "the number of a text, for backend(by=KEY)"),
        asked("backend", backend,
              {one_of("by", "HASH URL KEY", "HASH"), may("key", integer), refused("key_blob", string),
               or_else("alt", integer, std::int64_t{0}), refused("warmup", real), refused("rampup", boolean),
               one_of("healthy", "CHOSEN IGNORE ALL", "CHOSEN"), refused("param", string), one_of("resolve", "NOW", "NOW")},
              "the backend for this key; alt: the n-th choice after the first", choosing),
        refused(asked("set_warmup", nothing, {needs("probability", real)}, "how often the second choice is asked")),
        refused(asked("set_rampup", nothing, {needs("duration", duration)}, "how long a backend that recovered is spared")),
    };
}

const std::vector<object_type>& table() {
    static const std::vector<object_type> made{
        {"directors.round_robin", {}, methods_with({member}), "one backend after the other"},
        {"directors.fallback",
         {or_else("sticky", boolean, false)},
         methods_with({member}),
         "the first that is healthy; sticky: it stays with one until that is sick"},
        {"directors.random", {}, methods_with({member, needs("weight", real)}), "by chance, by weight"},
        {"directors.hash", {}, methods_with({member, or_else("weight", real, 1.0)}, {needs("key", string)}), "by a text, by weight"},
        {"directors.shard", {}, methods_of_shard(), "by consistent hashing: only a sick one's share moves"},
        {"saintmode.saintmode",
         {member, or_else("threshold", integer, std::int64_t{10})},
         {asked("backend", backend, {}, "the backend, where it is not in saint mode for this key", choosing),
          asked("blacklist_count", integer, {}, "how many keys are on the list", both_sides),
          asked("is_healthy", boolean, {}, "whether it is healthy and not in saint mode for this key", both_sides)},
         "keeps away from a backend what it has failed; with so many keys listed the whole backend is sick, 0: never"}};
    return made;
}

}  // namespace

std::span<const object_type> object_types() {
    return table();
}

const object_type* find_object_type(std::string_view name) {
    const auto found = std::ranges::find(table(), name, &object_type::name);
    return found == table().end() ? nullptr : &*found;
}

std::vector<std::string> object_type_names() {
    std::vector<std::string> names;
    for (const auto& each : table()) names.emplace_back(each.name);
    return names;
}

std::vector<std::string> module_names() {
    return {"std", "directors", "saintmode", "cookie", "purge"};
}

bool is_module(std::string_view name) {
    const auto all = module_names();
    return std::ranges::find(all, name) != all.end();
}

}  // namespace badorigin::cache::vcl
