#include "harness/traffic/answers.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "fake-backends/wire_text.h"
#include "harness/judge/facts.h"
#include "http/grammar.h"

namespace badorigin::traffic {

namespace {

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), http::to_lower);
    return out;
}

std::string_view value(const peers::field_lines& lines, std::string_view name) {
    const auto* found = peers::field_value(lines, name);
    return found ? std::string_view{*found} : std::string_view{};
}

/// Absolute-form targets match by path, as a script's do.
std::string path_of(std::string_view target) {
    http::message m;
    m.target = target;
    return judge::target_of(m);
}

std::string line(std::string_view method, std::string_view target) {
    return fmt::format("{} {}", method, target);
}

bool is_whole(const recorded_answer& one) {
    return one.said.status != 304 && one.said.status != 206 && one.said.status != 412 && one.said.status != 416;
}

}  // namespace

std::size_t ask_of_token(std::string_view token) {
    const auto at = token.rfind("-c");
    if (at == token.npos) return nobody;
    std::size_t number = 0;
    const auto digits = token.substr(at + 2);
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return wrong == std::errc{} && end == digits.data() + digits.size() && number > 0 ? number - 1 : nobody;
}

answers::answers(const recording& from, pace how, std::span<const storm> storms)
    : from_{from},
      pace_{how},
      storms_{storms},
      shift_{how, from.unix_begin, from.unix_begin},
      relevant_{"host", "range", "authorization", "cookie"},
      by_asker_(from.asks.size()),
      used_(from.answers.size()) {
    const auto put = [&](std::string key, std::size_t i) {
        auto& all = by_line_[std::move(key)];
        if (all.empty() || all.back() != i) all.push_back(i);
    };
    for (std::size_t i = 0; i < from.answers.size(); ++i) {
        const auto& one = from.answers[i];
        const auto& asked = one.then->request->message;
        put(line(asked.method, judge::target_of(asked)), i);
        if (one.asker != nobody) {
            by_asker_[one.asker].push_back(i);
            // A proxy that rewrote targets then may not do so now.
            const auto& by = from.asks[one.asker].then->request->message;
            put(line(by.method, judge::target_of(by)), i);
        }
        if (!one.then->response) continue;
        for (const auto vary : http::values(one.then->response->message.fields, "Vary"))
            http::for_each_element(vary, [&](std::string_view name) { relevant_.insert(lower(name)); });
    }
}

void answers::begin(nanoseconds unix_now) {
    begun_ = unix_now;
    shift_ = date_shift{pace_, from_.unix_begin, unix_now};
}

peers::request answers::request(std::size_t ask) const {
    const auto& one = from_.asks[ask];
    auto out = one.what;
    const bool chunked = out.body.chunked;
    if (one.body) out.body = *one.body;
    out.body.chunked = chunked;
    out.fields = shift_.request(one.then->request->message);
    if (pace_.speed) out.deadline = std::max<nanoseconds>(pace_.wait(out.deadline), std::chrono::milliseconds{1});
    out.sending.every = pace_.wait(out.sending.every);
    return out;
}

/// HEAD may be asked as GET and the other way round: proxies do.
const answers::indices* answers::recorded_for(const peers::request_facts& asked, std::string_view target) const {
    auto found = by_line_.find(line(asked.method, target));
    if (found == by_line_.end() && asked.method == "HEAD") found = by_line_.find(line("GET", target));
    if (found == by_line_.end() && asked.method == "GET") found = by_line_.find(line("HEAD", target));
    return found == by_line_.end() ? nullptr : &found->second;
}

bool answers::fits(const recorded_answer& one, const peers::request_facts& asked) const {
    if (is_whole(one)) return true;
    const auto then = shift_.request(one.then->request->message);
    const auto same = [&](std::string_view name) { return value(then, name) == value(asked.fields, name); };
    return same("If-None-Match") && same("If-Modified-Since") && same("If-Match") && same("If-Unmodified-Since") && same("Range") &&
           same("If-Range");
}

std::size_t answers::likeness(const recorded_answer& one, std::string_view origin, const peers::request_facts& asked) const {
    const auto& then = one.then->request->message;
    const std::size_t same_origin = one.origin == origin ? 1 : 0;
    return same_origin + static_cast<std::size_t>(std::ranges::count_if(relevant_, [&](const std::string& name) {
               return then.field(name).value_or("") == value(asked.fields, name);
           }));
}

answers::choice answers::choose(std::string_view origin, const peers::request_facts& asked, std::string_view target, std::size_t asker,
                                nanoseconds recorded) {
    const auto* all = recorded_for(asked, target);
    if (!all) return {};
    if (asker != nobody) {
        for (const auto i : by_asker_[asker]) {
            const auto& one = from_.answers[i];
            if (used_[i] || !std::ranges::binary_search(*all, i) || !fits(one, asked)) continue;
            used_[i] = true;
            return {i, true, true};
        }
    }
    choice best;
    std::size_t most = 0;
    const auto look = [&](std::size_t i) {
        const auto alike = likeness(from_.answers[i], origin, asked);
        if ((best.answer != nobody && alike <= most) || !fits(from_.answers[i], asked)) return;
        most = alike;
        best = {i, false, alike == relevant_.size() + 1};
    };
    const auto later = std::ranges::upper_bound(*all, recorded, {}, [&](std::size_t i) { return from_.answers[i].at; });
    for (auto i = later; i != all->begin() && !(best.answer != nobody && best.same_fields);) look(*--i);
    for (auto i = later; i != all->end() && !(best.answer != nobody && best.same_fields); ++i) look(*i);
    return best;
}

peers::reply answers::made(const choice& from, nanoseconds now) const {
    const auto& one = from_.answers[from.answer];
    auto out = one.said;
    const bool chunked = out.body.chunked;
    if (one.body) out.body = *one.body;
    out.body.chunked = chunked;
    out.repeat = -1;
    out.delay = pace_.wait(out.delay);
    if (out.fault) {
        if (out.fault->every) out.fault->every = pace_.wait(*out.fault->every);
        if (out.fault->lasts) out.fault->lasts = pace_.wait(*out.fault->lasts);
        if (out.fault->id == "close-idle-after" && !pace_.speed) out.fault.reset();  // no connection is idle for any time
    }
    if (!one.then->response) return out;
    const auto& m = one.then->response->message;
    out.fields = shift_.response(m, unix_time(*from_.evidence, one.then->response->first), now + out.delay);
    const bool coded = one.body && one.body->kind == peers::content::kind::generated;  // such bytes are no gzip
    if (coded) peers::remove_field(out.fields, "Content-Encoding");
    out.validates = !from.same_client && out.status == 200;
    return out;
}

peers::reply answers::refusal(const peers::request_facts& asked, std::string_view target) {
    constexpr std::size_t most = 20;
    ++counts_.unknown;
    if (counts_.unknown_requests.size() < most) counts_.unknown_requests.push_back(line(asked.method, target));
    peers::reply out;
    out.status = no_answer_recorded;
    out.fields = {{"Content-Type", "text/plain"}, {"Cache-Control", "no-store"}};
    out.body.kind = peers::content::kind::literal;
    out.body.literal = fmt::format("the capture has no answer to {} {}\n", asked.method, target);
    return out;
}

peers::reply answers::to(std::string_view origin, const peers::request_facts& asked, nanoseconds now) {
    const auto target = path_of(asked.target);
    const auto token = ask_of_token(value(asked.fields, capture::token_field));
    const auto asker = token < from_.asks.size() ? token : nobody;
    // Whoever is not known asks at the moment that the recording has come to.
    const auto passed = pace_.speed ? nanoseconds{static_cast<std::int64_t>(static_cast<double>((now - begun_).count()) * *pace_.speed)}
                                    : nanoseconds::max();
    const auto moment = asker == nobody ? passed : from_.asks[asker].at;
    const auto until = asker == nobody ? passed : from_.asks[asker].over_at;
    const auto chosen = choose(origin, asked, target, asker, until);
    const auto* storm = striking(storms_, target, moment);
    if (chosen.answer == nobody && (!storm || storm->status == 0)) return refusal(asked, target);
    ++(chosen.answer == nobody ? counts_.unknown
       : chosen.same_client    ? counts_.by_client
       : chosen.same_fields    ? counts_.by_likeness
                               : counts_.other_variant);
    auto out = chosen.answer == nobody ? peers::reply{} : made(chosen, now);
    if (!storm) return out;
    ++counts_.struck;
    return struck(std::move(out), *storm, pace_.wait(storm->from + storm->lasts - moment));
}

}  // namespace badorigin::traffic
