#include "capture/foreign.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "capture/completeness.h"
#include "capture/forwarding.h"
#include "capture/several_files.h"

namespace badorigin::capture {
namespace {

std::uint64_t size_of(const std::string& path) {
    std::error_code wrong;
    const auto size = std::filesystem::file_size(path, wrong);
    return wrong ? 0 : size;
}

std::vector<source_file> named(const std::vector<std::string>& paths) {
    const auto short_name = [](const std::string& path) { return std::filesystem::path(path).filename().string(); };
    std::vector<source_file> files;
    for (const std::string& path : paths) {
        const auto same = std::ranges::count_if(paths, [&](const std::string& p) { return short_name(p) == short_name(path); });
        source_file f;
        f.path = path;
        f.name = std::make_shared<const std::string>(same > 1 ? path : short_name(path));
        files.push_back(std::move(f));
    }
    return files;
}

/// The only file.
void note_read(source_file& file, const evidence& all, std::string damage) {
    file.frames = all.frames;
    file.first = all.frames > 0 ? 1 : 0;
    file.damage = std::move(damage);
    file.placed = true;
}

/// The legs, and the addresses' names in the manifest.
void assign(const roles& who, intake& packets, evidence& all) {
    for (const endpoint& p : who.proxies) all.manifest.roles[p.text()] = "proxy";
    for (const auto& c : packets.connections()) {
        c->leg = who.leg_of(*c);
        if (c->leg == leg::unknown) continue;
        c->server_name = c->leg == leg::client ? "proxy" : "origin:" + c->server.text();
        if (c->leg == leg::origin) all.manifest.roles[c->server.text()] = c->server_name;
    }
}

/// How far the order of two frames of different files may be wrong.
clock_doubt doubt_between(const std::vector<source_file>& files, const evidence& all) {
    if (std::ranges::all_of(files, [](const source_file& f) { return f.uncertainty.count() == 0 || f.offset.count() == 0; })) return {};
    std::map<const std::string*, nanoseconds> uncertainty;
    for (const source_file& f : files) uncertainty[f.name.get()] = f.offset.count() == 0 ? nanoseconds{0} : f.uncertainty;
    return [uncertainty = std::move(uncertainty), &all](const frame_ref& a, const frame_ref& b) {
        const auto file_of = [&](const frame_ref& f) {
            return f ? std::prev(std::ranges::upper_bound(all.sources, f.number, {}, &frame_source::first))->file.get() : nullptr;
        };
        const std::string *in_a = file_of(a), *in_b = file_of(b);
        if (in_a == in_b) return nanoseconds{0};
        nanoseconds sum{0};
        for (const auto& [name, most] : uncertainty)
            if (name == in_a || name == in_b || !in_a || !in_b) sum += most;
        return sum;
    };
}

void describe(std::vector<source_file>& sources, foreign& into) {
    for (source_file& f : sources) {
        if (!f.damage.empty()) into.evidence.incomplete.push_back(fmt::format("{} is damaged: {}.", *f.name, f.damage));
        if (!f.placed)
            into.notes.push_back(fmt::format("The clock of {} could not be compared with that of {}: it was taken to be the same.", *f.name,
                                             *sources.front().name));
        if (f.shared_connections > 0)
            into.notes.push_back(fmt::format("{} connections of {} are in another file too, which shows more of them; they count once.",
                                             f.shared_connections, *f.name));
        into.files.push_back({*f.name, f.frames, f.first, f.offset, f.uncertainty, f.offset_basis, f.damage});
    }
}

/// One file needs no second reading: legs are assigned when all was read.
std::expected<roles, std::string> read_one(source_file& file, const std::vector<std::string>& proxies, evidence& all, intake& packets,
                                           const go_on& progress) {
    auto damage = packets.take_file(file.path, progress);
    if (!damage) return std::unexpected(damage.error());
    note_read(file, all, std::move(*damage));
    packets.finish();
    return find_roles(all.exchanges, proxies);
}

/// Several are read twice: alone, to learn how their clocks and connections relate, then merged.
std::expected<roles, std::string> read_several(std::vector<source_file>& files, const std::vector<std::string>& proxies, evidence& all,
                                               intake& packets, const go_on& progress) {
    std::uint64_t before = 0;
    std::vector<exchange_ptr> exchanges;
    for (source_file& f : files) {
        const auto seen = sight(f, [&](std::uint64_t bytes) { return !progress || progress(before + bytes); });
        if (!seen) return std::unexpected(seen.error());
        before += size_of(f.path);
        exchanges.insert(exchanges.end(), f.seen.exchanges.begin(), f.seen.exchanges.end());
    }
    std::ranges::stable_sort(exchanges, {}, [](const exchange_ptr& e) { return e->request ? e->request->first.time : e->on->opened.time; });
    auto who = find_roles(exchanges, proxies);
    if (!who) return who;
    place_clocks(files, *who);
    share_out(files);
    exchanges.clear();
    for (source_file& f : files) f.seen = {};
    const auto merged = merge(files, all, packets, [&](std::uint64_t bytes) { return !progress || progress(before + bytes); });
    if (!merged) return std::unexpected(merged.error());
    packets.finish();
    return who;
}

void count(const evidence& part, foreign& into) {
    into.exchanges += part.exchanges.size();
    into.with_leg +=
        static_cast<std::uint64_t>(std::ranges::count_if(part.exchanges, [](const auto& e) { return e->leg() != leg::unknown; }));
}

/// A connection whose SYN was not captured is turned the right way round where we are told who listens.
void name_listeners(const std::vector<std::string>& proxies, evidence& all) {
    for (const std::string& proxy : proxies)
        if (endpoint listening; endpoint::parse(proxy, listening)) all.manifest.roles[listening.text()] = "proxy";
}

/// Reads one file part by part, with what is known of it already.
std::expected<foreign, std::string> read_parts(std::vector<source_file>& sources, const foreign_settings& settings, const go_on& progress,
                                               const taker_of_parts& to, std::optional<part_maker::knowledge>& known, bool& again) {
    auto finder = role_finder::make(settings.proxies);
    if (!finder) return std::unexpected(finder.error());
    foreign found;
    evidence& all = found.evidence;
    all.manifest.evidence = evidence_kind::file;
    name_listeners(settings.proxies, all);
    intake packets(all);
    part_maker parts(all, packets, std::move(*finder), known, to.limits, [&](const evidence& part) {
        count(part, found);
        to.part(part);
    });
    auto damage = packets.take_file(sources.front().path, progress, [&](const frame_ref& at) { parts.step(at); });
    if (!damage) return std::unexpected(damage.error());
    note_read(sources.front(), all, std::move(*damage));
    packets.close();
    parts.finish();
    known = parts.known();
    again = parts.learned_late();
    for (const endpoint& p : known->roles.proxies) all.manifest.roles[p.text()] = "proxy";
    found.proxies = known->roles.names();
    found.notes = known->roles.notes;
    describe(sources, found);
    for (std::string& why : parts.holes()) all.incomplete.push_back(std::move(why));
    return found;
}

}  // namespace

std::expected<foreign, std::string> read_in_parts(const std::vector<std::string>& files, const foreign_settings& settings,
                                                  const taker_of_parts& to) {
    if (files.size() != 1) {
        auto whole = read_foreign(files, settings);
        if (!whole) return whole;
        evidence& all = whole->evidence;
        to.part(all);
        all.connections.clear();
        all.exchanges.clear();
        all.transactions.clear();
        return whole;
    }
    std::vector<source_file> sources = named(files);
    const std::uint64_t size = size_of(files.front());
    const go_on progress = [&](std::uint64_t done) { return !settings.progress || settings.progress(done, size); };
    const bool can_be_read_again = std::filesystem::is_regular_file(files.front());
    std::optional<part_maker::knowledge> known;
    bool again = false, held_back = false;
    taker_of_parts first = to;
    if (!to.anew && can_be_read_again) {
        first.part = [&](const evidence& part) {
            const bool whole = part.seen_to == ~frame_number{0} && !held_back;
            whole ? to.part(part) : void(held_back = true);
        };
    }
    auto read = read_parts(sources, settings, progress, first, known, again);
    if (read && held_back) return read_parts(sources, settings, progress, to, known, again);
    if (!read || !again) return read;
    if (!can_be_read_again) {
        read->notes.push_back(
            "Roles of addresses showed late, and this is no file that could be read again: what went before was judged without them.");
        return read;
    }
    to.anew();
    return read_parts(sources, settings, progress, to, known, again);
}

std::vector<std::string> foreign::all_notes() const {
    auto out = notes;
    for (const auto& f : files)
        if (!f.damage.empty()) out.push_back(fmt::format("{} is damaged, and read as far as it goes: {}.", f.name, f.damage));
    return out;
}

std::expected<foreign, std::string> read_foreign(const std::vector<std::string>& files, const foreign_settings& settings) {
    if (files.empty()) return std::unexpected("No capture file was given.");
    std::vector<source_file> sources = named(files);
    std::uint64_t size = 0;
    for (const source_file& f : sources) size += size_of(f.path) * (sources.size() > 1 ? 2 : 1);
    const go_on progress = [&](std::uint64_t done) { return !settings.progress || settings.progress(done, size); };

    foreign found;
    evidence& all = found.evidence;
    all.manifest.evidence = evidence_kind::file;
    name_listeners(settings.proxies, all);
    intake packets(all);
    const auto who = sources.size() == 1 ? read_one(sources.front(), settings.proxies, all, packets, progress)
                                         : read_several(sources, settings.proxies, all, packets, progress);
    if (!who) return std::unexpected(who.error());
    assign(*who, packets, all);
    // Packets of a run of ours: its clock jumped.
    all.manifest.virtual_time = std::ranges::find(all.markers, marker::kind::clock, &marker::kind) != all.markers.end();
    found.proxies = who->names();
    found.notes = who->notes;
    describe(sources, found);
    all.transactions = join_without_tokens(all.exchanges, doubt_between(sources, all));
    for (std::string& why : why_incomplete(all)) all.incomplete.push_back(std::move(why));
    count(all, found);
    return found;
}

}  // namespace badorigin::capture
