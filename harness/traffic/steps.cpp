#include "harness/traffic/steps.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "harness/scenario/durations.h"

namespace badorigin::traffic {

using capture::exchange;
using capture::frame_ref;
using scenario::step;

namespace {

class steps_maker {
public:
    steps_maker(const telling& about, nanoseconds from, const std::vector<reception>& received, step_names& names)
        : about_{about}, from_{from}, names_{names}, receptions_{received}, free_{from} {}

    void add(std::vector<told_client>&& group, frame_ref next) {
        const auto& first = *group.front().of->client;
        await_what_is_over(first);
        receive(group);
        bans(judge::begin_of(first));
        step out;
        out.at = when(first);
        began_ = about_.clock.at(judge::begin_of(first));
        for (auto& member : group) {
            const auto end = over(*member.of->client);
            if (next && next.number < end.number) {
                member.act.wait = false;
                in_flight_.push_back(member);
            } else {
                free_ = std::max(free_, about_.clock.at(end));
            }
            out.clients.push_back(std::move(member.act));
        }
        out.name = out.clients.size() == 1 ? out.clients.front().name : names_.make("together");
        steps_.push_back(std::move(out));
    }

    std::vector<step> finish() {
        if (!in_flight_.empty()) steps_.push_back(awaiting("all"));
        return std::move(steps_);
    }

private:
    step awaiting(const std::string& name) {
        step out;
        out.name = names_.make("over");
        out.await = name;
        return out;
    }

    /// The instant, where the step is not to begin as soon as the one before is over.
    std::optional<scenario::instant> when(const exchange& first) const {
        const auto at = about_.clock.at(judge::begin_of(first));
        const auto since = in_flight_.empty() ? free_ : std::max(free_, began_);
        if (!about_.clock.apart(since, at)) return std::nullopt;
        return scenario::instant{{}, about_.clock.rounded(at - from_)};
    }

    void await_what_is_over(const exchange& next) {
        const auto begun = judge::begin_of(next);
        for (const auto& waiting : in_flight_) {
            const auto end = over(*waiting.of->client);
            if (end.number >= begun.number) continue;
            steps_.push_back(awaiting(waiting.act.name));
            free_ = std::max(free_, about_.clock.at(end));
        }
        std::erase_if(in_flight_, [&](const auto& w) { return over(*w.of->client).number < begun.number; });
    }

    /// Origins receive connections as they did while these exchanges went on.
    void receive(const std::vector<told_client>& group) {
        const auto begin = judge::begin_of(*group.front().of->client).number;
        capture::frame_number end = 0;
        for (const auto& member : group) end = std::max(end, over(*member.of->client).number);
        step out;
        auto r = std::ranges::lower_bound(receptions_, begin, {}, [](const reception& one) { return one.at.number; });
        for (; r != receptions_.end() && r->at.number <= end; ++r) {
            auto& now = listening_.try_emplace(r->origin, scenario::origin_act::what::accept).first->second;
            if (now == r->how) continue;
            now = r->how;
            std::erase_if(out.origins, [&](const auto& act) { return act.origin == r->origin; });
            out.origins.push_back({r->origin, r->how});
        }
        if (out.origins.empty()) return;
        out.name = names_.make("listening");
        steps_.push_back(std::move(out));
    }

    void bans(frame_ref until) {
        for (const auto& m : about_.evidence.markers) {
            if (m.kind != capture::marker::kind::note || !m.text.starts_with("ban ")) continue;
            if (steps_.empty() || m.frame.number < banned_ || m.frame.number > until.number) continue;
            step out;
            out.name = names_.make("ban");
            out.proxy = {scenario::proxy_act::what::ban, m.text.substr(4)};
            steps_.push_back(std::move(out));
        }
        banned_ = until.number;
    }

    const telling& about_;
    nanoseconds from_;
    step_names& names_;
    const std::vector<reception>& receptions_;
    std::vector<step> steps_;
    std::vector<told_client> in_flight_;
    std::map<std::string, scenario::origin_act::what> listening_;
    nanoseconds free_, began_{0};  ///< when what was waited for was over, and when the last step began
    capture::frame_number banned_ = 0;
};

bool together(const told_client& one, const told_client& other, const telling& about) {
    const auto &a = *one.of->client, &b = *other.of->client;
    const auto begin = judge::begin_of(b);
    const bool before_an_answer = !a.response || begin.number < a.response->first.number;
    return a.on != b.on && before_an_answer && begin.number < over(a).number &&
           about.clock.at_once(about.clock.at(judge::begin_of(a)), about.clock.at(begin));
}

bool is_named(const std::vector<step>& steps, const std::string& name) {
    const auto names = [&](const scenario::expectation& e) {
        return e.same_copy_as == name || std::ranges::find(e.overlaps, name) != e.overlaps.end();
    };
    return std::ranges::any_of(steps, [&](const step& s) {
        return s.await == name || std::ranges::any_of(s.clients, [&](const auto& c) { return names(c.expect) || names(c.premise); });
    });
}

/// The same request with the same outcome right behind the other is a repetition of it.
bool repeats(const step& before, const step& next) {
    if (before.clients.size() != 1 || next.clients.size() != 1 || next.at || !next.origins.empty()) return false;
    const auto &a = before.clients.front(), &b = next.clients.front();
    return a.wait && b.wait && a.request == b.request && a.expect == b.expect && a.premise == b.premise;
}

std::vector<step> repeated(std::vector<step> steps) {
    std::vector<step> out;
    for (const auto& next : steps) {
        if (!out.empty() && repeats(out.back(), next) && !is_named(steps, next.name)) {
            ++out.back().clients.front().repeat;
        } else {
            out.push_back(next);
        }
    }
    return out;
}

}  // namespace

std::vector<reception> receptions(const telling& about) {
    using what = scenario::origin_act::what;
    std::vector<reception> out;
    for (const auto& c : about.evidence.connections) {
        if (c->leg != capture::leg::origin || !c->complete_start) continue;
        out.push_back({c->opened, about.origins.at(c->server_name),
                       c->refused       ? what::refuse
                       : c->established ? what::accept
                                        : what::ignore});
    }
    std::ranges::stable_sort(out, {}, [](const reception& r) { return r.at.number; });
    return out;
}

frame_ref over(const exchange& client) {
    if (client.answered_whole()) return judge::end_of(client);
    return client.on->last;
}

std::vector<step> steps_of(std::vector<told_client> clients, nanoseconds from, const std::vector<reception>& received, step_names& names,
                           const telling& about) {
    std::map<std::string, int> shared;  // a connection that one of these has alone needs no name
    for (const auto& c : clients) ++shared[c.act.request.connection];
    for (auto& c : clients)
        if (shared[c.act.request.connection] == 1) c.act.request.connection.clear();

    steps_maker maker{about, from, received, names};
    for (std::size_t i = 0; i < clients.size();) {
        std::vector<told_client> group{clients[i]};
        std::size_t next = i + 1;
        for (;
             next < clients.size() && std::ranges::all_of(group, [&](const auto& g) { return together(g, clients[next], about); }); ++next)
            group.push_back(clients[next]);
        maker.add(std::move(group), next < clients.size() ? judge::begin_of(*clients[next].of->client) : frame_ref{});
        i = next;
    }
    return repeated(maker.finish());
}

step_names::step_names(const std::map<std::string, nanoseconds>& promises) {
    for (const auto* word : {"all", "start", "end"}) taken_[word] = 1;
    for (const auto& [name, value] : promises) taken_[name] = 1;
}

std::string step_names::make(std::string_view wanted) {
    std::string name;
    for (const char c : wanted.substr(0, 40)) {
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (fine) name += c;
        if (!fine && !name.empty() && name.back() != '-') name += '-';
    }
    while (name.ends_with('-')) name.pop_back();
    if (name.empty() || !scenario::is_name(name)) name = name.empty() ? "page" : "page-" + name;
    for (int n = ++taken_[name]; n > 1; n = ++taken_[name]) {
        auto next = fmt::format("{}-{}", name, n);
        if (taken_.try_emplace(next, 1).second) return next;
    }
    return name;
}

std::string step_names::of_target(std::string_view target) {
    target = target.substr(0, target.find('?'));
    while (target.ends_with('/')) target.remove_suffix(1);
    const auto slash = target.rfind('/');
    const auto last = slash == std::string_view::npos ? target : target.substr(slash + 1);
    return make(last.empty() ? "home" : last);
}

}  // namespace badorigin::traffic
