#include "reports/log.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "reports/escaped.h"

namespace badorigin::report {

namespace {

/// "*  ", "** ", "***", "*4*": the level, three wide.
std::string depth(char mark, int level) {
    if (level > 3) return fmt::format("{0}{1}{0}", mark, level);
    return fmt::format("{:<3}", std::string(static_cast<std::size_t>(level), mark));
}

std::string_view title(const judge::record& first) {
    if (first.tag != "Begin") return "Record";
    if (first.value.starts_with("sess")) return "Session";
    return first.value.starts_with("req") ? "Request" : "BeReq";
}

log_entry entry_of(const judge::record_group& group) {
    log_entry made;
    made.text = varnish_text(group);
    made.frame = group.records.front().frame;
    for (const auto& r : group.records) {
        if (r.exchange == 0)
            made.session = r.connection;
        else if (made.exchanges.empty() || made.exchanges.back() != r.exchange)
            made.exchanges.push_back(r.exchange);
    }
    return made;
}

log_entry entry_of(const capture::evidence& evidence, const capture::transaction& t, log_format format) {
    log_entry made;
    made.text = (format == log_format::ncsa ? ncsa_line(t) : row_json(evidence, t)) + "\n";
    if (t.client) {
        made.frame = judge::begin_of(*t.client).number;
        made.exchanges.push_back(t.client->id);
    }
    for (const auto& f : t.fetches)
        for (const auto& a : f.attempts) {
            if (made.frame == 0) made.frame = judge::begin_of(*a).number;
            made.exchanges.push_back(a->id);
        }
    return made;
}

}  // namespace

std::optional<log_format> log_format_named(std::string_view name) {
    if (name == "varnish") return log_format::varnish;
    if (name == "ndjson") return log_format::ndjson;
    if (name == "ncsa") return log_format::ncsa;
    return std::nullopt;
}

std::string varnish_text(const judge::record_group& group) {
    std::string all;
    const judge::record* before = nullptr;
    for (const auto& r : group.records) {
        if (r.level == 0) {
            all += fmt::format("{:>10} {:<14} {} {}\n", r.id, r.tag, r.side, escaped(r.value));
            continue;
        }
        if (!before || before->id != r.id) all += fmt::format("{} << {:<8} >> {:<10}\n", depth('*', r.level), title(r), r.id);
        all += fmt::format("{} {:<14} {}\n", depth('-', r.level), r.tag, escaped(r.value));
        before = &r;
    }
    return before ? all + "\n" : all;
}

std::vector<log_entry> log_entries(const capture::evidence& evidence, std::span<const capture::transaction> spoken_of,
                                   const std::vector<judge::record_group>& selected, log_format format) {
    std::vector<log_entry> all;
    if (format == log_format::varnish) {
        for (const auto& g : selected)
            if (!g.records.empty()) all.push_back(entry_of(g));
        return all;
    }
    const auto exchanges = judge::exchanges_in(selected);
    for (const auto& t : spoken_of) {
        if (format == log_format::ncsa && !t.client) continue;
        auto entry = entry_of(evidence, t, format);
        if (std::ranges::any_of(entry.exchanges, [&](auto id) { return exchanges.contains(id); })) all.push_back(std::move(entry));
    }
    return all;
}

}  // namespace badorigin::report
