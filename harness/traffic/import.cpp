// Relate, retell, name. Origins' replies come first, so that bodies are known when the clients' are looked at.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "harness/scenario/durations.h"
#include "harness/traffic/claims.h"
#include "harness/traffic/expectations.h"
#include "harness/traffic/related.h"
#include "harness/traffic/requests.h"
#include "harness/traffic/steps.h"
#include "harness/traffic/traffic.h"

namespace badorigin::traffic {

using capture::exchange;
using capture::exchange_ptr;
using capture::transaction;

namespace {

using group = std::vector<const transaction*>;

std::string route_of(const exchange& origin) {
    return origin.request->message.method + " " + judge::target_of(origin.request->message);
}

class importer {
public:
    importer(const capture::evidence& evidence, const import_settings& settings) : settings_{settings}, about_{evidence, settings} {
        name_origins();
        for (const auto& e : evidence.exchanges) {
            if (e->request) about_.hidden.collect(e->request->message);
            if (e->response) about_.hidden.collect(e->response->message);
            note_second_response(*e);
        }
        received_ = receptions(about_);
        retell_origins();
        find_unasked();
    }

    imported import() {
        for (const auto& members : related(about_.evidence)) {
            out_.exchanges += members.size();
            add(members);
        }
        out_.secrets = about_.hidden.count();
        return std::move(out_);
    }

private:
    /// As the roles call them; policies name their first origin app.
    void name_origins() {
        std::set<std::string> servers, taken;
        for (const auto& [address, role] : about_.evidence.manifest.roles)
            if (role.starts_with("origin")) servers.insert(role);
        for (const auto& c : about_.evidence.connections)
            if (c->leg == capture::leg::origin) servers.insert(c->server_name);
        proxy_protocol_ = std::ranges::any_of(about_.evidence.connections,
                                              [](const auto& c) { return c->leg == capture::leg::client && !c->proxy_header.empty(); });
        for (const auto& server : servers) {
            const auto colon = server.find(':');
            auto name = colon == std::string::npos ? std::string{} : server.substr(colon + 1);
            if (const auto given = settings_.origins.find(name); given != settings_.origins.end()) name = given->second;
            if (!scenario::is_name(name)) name = "app";
            for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("app-{}", n);
            about_.origins[server] = name;
        }
    }

    void note_second_response(const exchange& e) {
        if (e.leg() != capture::leg::origin) return;
        auto& last = last_on_[e.on.get()];
        if (!e.request && e.response && last) doubled_.insert(last);
        if (e.request) last = &e;
    }

    void retell_origins() {
        for (const auto& e : about_.evidence.exchanges) {
            if (e->leg() != capture::leg::origin || !e->request) continue;
            replies_.emplace(e.get(), reply_of(*e, doubled_.contains(e.get()), about_));
            if (!e->response) continue;
            for (const auto vary : http::values(e->response->message.fields, "Vary")) note_varied(vary);
        }
    }

    void note_varied(std::string_view list) {
        std::string name;
        for (const unsigned char c : std::string{list} + ",") {
            if (c == ',') varied_.insert(std::exchange(name, {}));
            if (c != ',' && c != ' ') name += static_cast<char>(std::tolower(c));
        }
    }

    /// What origins were asked without a client that is known: health checks, where no client asks for the same.
    void find_unasked() {
        std::set<std::string> asked;
        for (const auto& t : about_.evidence.transactions)
            if (t.client && t.client->request && t.client->leg() == capture::leg::client)
                asked.insert(judge::target_of(t.client->request->message));
        for (const auto& t : about_.evidence.transactions) {
            if (t.kind != transaction::kind::probe_or_unasked) continue;
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts) {
                    if (!a->request || a->leg() != capture::leg::origin) continue;
                    (asked.contains(judge::target_of(a->request->message)) ? unknown_ : probes_).push_back(a);
                }
        }
        const auto begin = [](const exchange_ptr& e) { return judge::begin_of(*e).number; };
        std::ranges::sort(probes_, {}, begin);
        std::ranges::sort(unknown_, {}, begin);
    }

    void leave_out(const transaction& t, const std::string& why) {
        const auto& e = *t.client;
        ++out_.exchanges_left_out;
        const bool has_line = e.request && !e.request->message.target.empty();
        const auto what = has_line ? e.request->message.method + " " + about_.hidden.target(e.request->message.target)
                                   : "Something without a request line";
        out_.left_out.push_back(fmt::format("{} in frame {}: {}.", what, judge::begin_of(e).number, why));
    }

    /// Why what was fetched for a client cannot be told.
    std::string why_not(const transaction& t) const {
        for (const auto& f : t.fetches)
            for (const auto& a : f.attempts)
                if (const auto told = replies_.find(a.get()); told != replies_.end() && !told->second)
                    return fmt::format("what its origin did in frame {} cannot be told: {}", judge::begin_of(*a).number,
                                       told->second.error());
        return {};
    }

    void add(group members) {
        if (members.size() > settings_.most) {
            const auto more = members.size() - settings_.most;
            const auto& next = *members[settings_.most]->client;
            out_.left_out.push_back(
                fmt::format("{} exchanges from frame {} on: those before them that they are related to fill a scenario.", more,
                            judge::begin_of(next).number));
            out_.exchanges_left_out += more;
            members.resize(settings_.most);
        }
        std::vector<told_client> clients;
        step_names names{settings_.promises};
        for (const auto* t : members) {
            auto request = request_of(*t->client, varied_, about_);
            auto why = request ? why_not(*t) : request.error();
            if (!why.empty()) {
                leave_out(*t, why);
                continue;
            }
            told_client told{t, {}};
            told.act.name = names.of_target(request->target);
            told.act.request = std::move(*request);
            clients.push_back(std::move(told));
        }
        if (clients.empty()) return;
        const auto told = clients.size();
        scenario::scenario what;
        what.policy = settings_.policy;
        what.promises = settings_.promises;
        what.placeholders = settings_.values;
        what.rules_off = settings_.rules_off;
        expect(clients, what);
        what.origins = origins(clients, what);
        what.claim = claim_of(clients, what, about_);
        const auto first = about_.clock.at(judge::begin_of(*clients.front().of->client));
        const auto span = about_.clock.at(over(*clients.back().of->client)) - first;
        what.can_be_real = span < std::chrono::minutes{1};
        what.steps = steps_of(std::move(clients), probes_.empty() ? first : nanoseconds{0}, received_, names, about_);
        if (std::ranges::any_of(what.steps, [](const auto& s) { return s.proxy.has_value(); })) what.needs.emplace_back("ban");
        if (proxy_protocol_) what.needs.emplace_back("proxy-protocol");
        what.proxy_protocol = proxy_protocol_;
        if (!settings_.all && !shapes_.insert(shape_of(what)).second) {
            out_.alike += told;
            return;
        }
        what.id = file_name(what.claim);
        for (int n = 2; !ids_.insert(what.id).second; ++n) what.id = fmt::format("{}-{}", file_name(what.claim), n);
        out_.scenarios.push_back(std::move(what));
    }

    // Expectations

    bool in_flight_together(const transaction& one, const transaction& other) const {
        const auto &a = *one.client, &b = *other.client;
        return judge::begin_of(a).number < over(b).number && judge::begin_of(b).number < over(a).number;
    }

    /// Of several that ask for the same at once, chance decides who makes the fetch; and a fetch whose client is unknown may be anybody's.
    bool fetches_tell(const transaction& t, const std::vector<told_client>& all) const {
        const auto target = judge::target_of(t.client->request->message);
        for (const auto& other : all) {
            if (other.of == &t || !in_flight_together(t, *other.of)) continue;
            if (judge::target_of(other.of->client->request->message) == target && other.of->fetches.size() != t.fetches.size())
                return false;
        }
        return std::ranges::none_of(unknown_, [&](const exchange_ptr& e) { return judge::target_of(e->request->message) == target; });
    }

    void expect(std::vector<told_client>& clients, scenario::scenario& what) {
        seen_before before;
        std::set<std::string> by_chance;
        for (auto& c : clients) {
            before.fetches_tell = fetches_tell(*c.of, clients);
            if (!before.fetches_tell) by_chance.insert(c.act.request.target);
            c.act.expect = expectation_of(*c.of, before, what.promises, about_);
            if (c.of->delivered_from) before.receivers.try_emplace(c.of->delivered_from.get(), c.act.name);
        }
        std::map<std::pair<std::string, std::string>, int> asked;  // in all, where it is not said who asked
        for (const auto& a : attempts(clients)) {
            const auto target = about_.hidden.target(judge::target_of(a->request->message));
            if (by_chance.contains(target)) ++asked[{about_.origins.at(a->on->server_name), target}];
        }
        for (const auto& [place, requests] : asked) what.origin_logs.push_back({place.first, place.second, {}, requests, {}});
    }

    // Origins

    static std::string folder_of(const peers::route& r) {
        const auto path = r.target.substr(0, r.target.find('?'));
        return path.substr(0, path.rfind('/') + 1);
    }

    /// One route stands for three or more that say the same, where nothing else lies in their folder.
    static void factor(std::vector<peers::route>& routes) {
        for (std::size_t i = 0; i < routes.size(); ++i) {
            const auto folder = folder_of(routes[i]);
            auto all = routes[i];
            all.target = folder + "*";
            const auto inside = [&](const peers::route& r) { return r.method == all.method && r.target.starts_with(folder); };
            if (folder.size() < 2 || std::ranges::count_if(routes, inside) < 3) continue;
            if (!std::ranges::all_of(routes, [&](const auto& r) { return !inside(r) || r.replies == all.replies; })) continue;
            std::erase_if(routes, inside);
            routes.insert(routes.begin() + static_cast<std::ptrdiff_t>(std::min(i, routes.size())), std::move(all));
        }
    }

    /// What origins were asked for these clients, in order, with what nobody known asked for the same.
    std::vector<exchange_ptr> attempts(const std::vector<told_client>& clients) const {
        std::vector<exchange_ptr> all;
        std::set<std::string> targets;
        for (const auto& c : clients) {
            targets.insert(judge::target_of(c.of->client->request->message));
            for (const auto& f : c.of->fetches)
                for (const auto& a : f.attempts)
                    if (a->request) all.push_back(a);
        }
        for (const auto& e : unknown_)
            if (targets.contains(judge::target_of(e->request->message))) all.push_back(e);
        std::ranges::stable_sort(all, {}, [](const exchange_ptr& e) { return judge::begin_of(*e).number; });
        return all;
    }

    static void append(std::vector<peers::reply>& to, peers::reply next) {
        if (!to.empty()) {
            auto& last = to.back();
            next.repeat = last.repeat;
            if (last == next) {
                ++last.repeat;
                return;
            }
            next.repeat = 1;
        }
        to.push_back(std::move(next));
    }

    peers::route& route(peers::origin_script& of, const exchange& e) {
        const auto method = e.request->message.method, target = about_.hidden.target(judge::target_of(e.request->message));
        for (auto& r : of.routes)
            if (r.method == method && r.target == target) return r;
        return of.routes.emplace_back(peers::route{method, target, {}});
    }

    peers::origin_script& script(std::vector<peers::origin_script>& all, const exchange& e) const {
        return *std::ranges::find(all, about_.origins.at(e.on->server_name), &peers::origin_script::name);
    }

    /// Health checks come by the proxy's clock, so what they get depends on the time, not on their number.
    void add_probes(std::vector<peers::origin_script>& all, scenario::scenario& what) {
        std::map<std::string, int> seen;
        for (const auto& e : probes_) {
            const auto& told = replies_.at(e.get());
            if (!told) continue;
            auto& of = script(all, *e);
            auto& to = route(of, *e).replies;
            auto next = *told;
            next.when = peers::condition::always;
            next.repeat = -1;
            if (seen[route_of(*e)]++ == 0) what.probes.push_back({of.name, judge::target_of(e->request->message), 1, {}, {}});
            if (!to.empty()) {
                next.until = to.back().until;
                if (to.back() == next) continue;
                next.until.reset();
                to.back().until = about_.clock.rounded(about_.clock.at(judge::begin_of(*e)));
            }
            to.push_back(std::move(next));
        }
    }

    std::vector<peers::origin_script> origins(const std::vector<told_client>& clients, scenario::scenario& what) {
        std::vector<peers::origin_script> all;
        for (const auto& [server, name] : about_.origins) all.push_back({name, {}, peers::listening::accept});
        if (all.empty()) all.push_back({"app", {}, peers::listening::accept});
        for (const auto& a : attempts(clients))
            if (const auto& told = replies_.at(a.get())) append(route(script(all, *a), *a).replies, *told);
        for (auto& origin : all) {
            for (auto& r : origin.routes) r.replies.back().repeat = -1;
            factor(origin.routes);
        }
        add_probes(all, what);
        return all;
    }

    const import_settings& settings_;
    telling about_;
    imported out_;
    std::vector<reception> received_;
    std::map<const capture::connection*, const exchange*> last_on_;
    std::set<const exchange*> doubled_;
    std::map<const exchange*, std::expected<peers::reply, std::string>> replies_;
    std::set<std::string> varied_, ids_, shapes_;
    std::vector<exchange_ptr> probes_, unknown_;
    bool proxy_protocol_ = false;  ///< some client began with a PROXY header: so all must
};

}  // namespace

imported import_traffic(const capture::evidence& evidence, const import_settings& settings) {
    return importer{evidence, settings}.import();
}

}  // namespace badorigin::traffic
