#include "harness/traffic/recording.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "harness/judge/facts.h"
#include "harness/traffic/requests.h"
#include "harness/traffic/steps.h"

namespace badorigin::traffic {

using capture::exchange;
using capture::exchange_ptr;
using capture::leg;

namespace {

import_settings as_it_was() {
    import_settings out;
    out.bodies = bodies::keep;
    out.keep_secrets = true;
    return out;
}

/// The body, which leaves behind whether it was chunked.
peers::content taken(peers::content& body) {
    peers::content left;
    left.chunked = body.chunked;
    return std::exchange(body, std::move(left));
}

class maker {
public:
    maker(const capture::evidence& evidence, const std::map<std::string, std::string>& origins)
        : evidence_{evidence}, names_{origins}, about_{evidence, settings_} {
        out_.evidence = &evidence;
    }

    recording make() {
        note_second_responses();
        const bool clients = on(leg::client), origins = on(leg::origin);
        out_.one_leg = !clients || !origins;
        from_ = clients ? leg::client : origins ? leg::origin : leg::unknown;
        for (const auto& e : evidence_.exchanges) {
            if (e->leg() == from_) add_ask(e);
        }
        relate();
        for (const auto& e : evidence_.exchanges) {
            if (e->leg() == (out_.one_leg ? from_ : leg::origin)) add_answer(e);
        }
        out_.origins = {taken_.begin(), taken_.end()};
        if (out_.origins.empty()) out_.origins.emplace_back("app");
        finish_connections();
        tell();
        return std::move(out_);
    }

private:
    bool on(leg which) const {
        return std::ranges::any_of(evidence_.exchanges, [&](const auto& e) { return e->leg() == which && e->request; });
    }

    void note_second_responses() {
        std::map<const capture::connection*, const exchange*> last;
        for (const auto& e : evidence_.exchanges) {
            if (!e->request && e->response && last[e->on.get()]) doubled_.insert(last[e->on.get()]);
            if (e->request) last[e->on.get()] = e.get();
        }
    }

    /// Bodies are held once; whether they were chunked is the message's affair.
    std::shared_ptr<const peers::content> held(const http::message& m, peers::content&& body) {
        if (body.kind == peers::content::kind::none) return nullptr;
        body.chunked = false;
        // What was announced and is not all there has no hash that tells it apart.
        if (body.kind == peers::content::kind::generated && body.size != m.content_size)
            return std::make_shared<const peers::content>(std::move(body));
        auto& place = out_.bodies[{m.content_size, m.content_hash}];
        if (!place) place = std::make_shared<const peers::content>(std::move(body));
        return place;
    }

    void add_ask(const exchange_ptr& e) {
        if (!e->request) return;  // an answer to what went before the capture, or to nothing
        ++out_.exchanges;
        auto told = request_of(*e, {}, about_);
        if (!told) {
            ++out_.left_out[told.error()];
            return;
        }
        recorded_ask one;
        one.then = e;
        if (out_.asks.empty()) out_.unix_begin = unix_time(evidence_, e->request->first);
        one.at = out_.since_begin(e->request->first);
        if (!out_.asks.empty()) one.at = std::max(one.at, out_.asks.back().at);  // time stamps may run back a little
        one.over = over(*e);
        one.over_at = std::max(one.at, out_.since_begin(one.over));
        one.body = held(e->request->message, taken(told->body));
        told->fields.clear();
        one.what = std::move(*told);
        number_[e.get()] = out_.asks.size();
        out_.asks.push_back(std::move(one));
    }

    void relate() {
        for (const auto& t : evidence_.transactions) {
            const auto mine = t.client ? number_.find(t.client.get()) : number_.end();
            if (mine == number_.end()) continue;
            out_.asks[mine->second].of = out_.one_leg ? nullptr : &t;
            for (const auto& f : t.fetches)
                for (const auto& a : f.attempts) askers_[a.get()] = mine->second;
        }
        if (out_.one_leg) askers_ = number_;
    }

    std::string origin_of(const exchange& e) {
        const auto address = e.on->server.text(), role = judge::origin_name(e);
        for (const auto& key : {address, role, "origin:" + role})
            if (const auto named = names_.find(key); named != names_.end()) return named->second;
        return "app";
    }

    void add_answer(const exchange_ptr& e) {
        if (!e->request) return;
        auto told = reply_of(*e, doubled_.contains(e.get()), about_);
        if (!told) {
            ++unsayable_[told.error()];
            return;
        }
        recorded_answer one;
        one.then = e;
        if (const auto asked = askers_.find(e.get()); asked != askers_.end()) one.asker = asked->second;
        one.at = out_.since_begin(e->request->first);
        one.origin = origin_of(*e);
        addresses_.insert(e->on->server.text());
        taken_.insert(one.origin);
        if (e->response && told->delay.count() >= 0)  // as it was, where a script would round it
            told->delay = std::max(nanoseconds{0}, evidence_.clock_at(e->response->first) - evidence_.clock_at(e->request->last));
        told->when = peers::condition::always;
        if (e->response && e->response->message.status == told->status) told->reason = e->response->message.reason;
        if (told->body.kind == peers::content::kind::generated) ++out_.generated;
        if (e->response) one.body = held(e->response->message, taken(told->body));
        told->fields.clear();
        one.said = std::move(*told);
        out_.answers.push_back(std::move(one));
    }

    void finish_connections() {
        std::set<std::uint64_t> seen;
        for (auto i = out_.asks.rbegin(); i != out_.asks.rend(); ++i) i->last_on_connection = seen.insert(i->then->on->id).second;
    }

    void tell() {
        auto& notes = out_.notes;
        if (out_.one_leg)
            notes.emplace_back(
                "The capture shows one leg only: what its clients got is taken for what origins answer, and what origins were asked then "
                "is not "
                "known.");
        if (addresses_.size() > taken_.size())
            notes.push_back(fmt::format("{} origin addresses are played by {} (--origin NAME=ADDRESS:PORT tells them apart).",
                                        addresses_.size(),
                                        taken_.size() == 1 ? "the origin app" : fmt::format("{} origins", taken_.size())));
        for (const auto& [why, many] : unsayable_)
            notes.push_back(fmt::format("{} answers of origins cannot be given again: {}.", many, why));
        if (out_.generated > 0)
            notes.push_back(
                fmt::format("{} answers have a body that the capture does not hold whole (cut short, an answer to HEAD, more than 64 KiB): "
                            "generated bytes of "
                            "the same size stand for it, not compressed.",
                            out_.generated));
        std::size_t foreign = 0, other = 0;
        for (const auto& c : evidence_.connections) foreign += c->exchanges == 0 && c->request_bytes + c->response_bytes > 0;
        for (const auto& e : evidence_.exchanges) other += e->request && e->leg() == leg::unknown && from_ != leg::unknown;
        if (foreign > 0)
            notes.push_back(fmt::format(
                "{} connections carry nothing that is read as HTTP/1.x (TLS, HTTP/2, another protocol): not replayed.", foreign));
        if (other > 0) notes.push_back(fmt::format("{} exchanges are on neither leg of the proxy: not replayed.", other));
        tell_unasked();
    }

    void tell_unasked() {
        std::size_t unasked = 0;
        for (const auto& a : out_.answers) unasked += a.asker == nobody;
        if (unasked > 0)
            out_.notes.push_back(
                fmt::format("{} requests to origins could be joined to no client's, or to several equally well: their answers are "
                            "found by method, target and fields alone.",
                            unasked));
    }

    const capture::evidence& evidence_;
    const std::map<std::string, std::string>& names_;
    const import_settings settings_ = as_it_was();
    telling about_;
    recording out_;
    leg from_ = leg::unknown;
    std::set<const exchange*> doubled_;
    std::unordered_map<const exchange*, std::size_t> number_, askers_;
    std::set<std::string> taken_, addresses_;
    std::map<std::string, std::size_t> unsayable_;
};

}  // namespace

nanoseconds unix_time(const capture::evidence& evidence, const capture::frame_ref& frame) {
    const auto start = std::ranges::find(evidence.markers, capture::marker::kind::start, &capture::marker::kind);
    const bool jumps = evidence.manifest.virtual_time && start != evidence.markers.end();
    return jumps ? start->wall + evidence.clock_at(frame) : frame.time;
}

nanoseconds recording::since_begin(const capture::frame_ref& frame) const {
    return frame ? unix_time(*evidence, frame) - unix_begin : nanoseconds{0};
}

const peers::content* recording::content_of(const http::message& m) const {
    const auto found = bodies.find({m.content_size, m.content_hash});
    return m.content_size == 0 || found == bodies.end() ? nullptr : found->second.get();
}

recording record(const capture::evidence& evidence, const std::map<std::string, std::string>& origins) {
    return maker{evidence, origins}.make();
}

}  // namespace badorigin::traffic
