#include "tests/load/traffic_mix.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <ranges>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include "fake-backends/faults.h"
#include "http/reader.h"

namespace badorigin::load {
namespace {
using namespace std::chrono_literals;

constexpr std::uint64_t keys = 64;  ///< objects of a kind

std::uint64_t hashed(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
    return hash;
}

/// "/kind/rest" → kind, rest.
std::pair<std::string, std::string> parts(const std::string& target) {
    const auto slash = target.find('/', 1);
    if (slash == std::string::npos) return {target.substr(1), {}};
    return {target.substr(1, slash - 1), target.substr(slash + 1)};
}

/// How large an object of this target is: mostly small, as on the Web.
std::uint64_t size_of(const std::string& target) {
    const auto hash = hashed(target);
    if (target.starts_with("/big/")) return 200'000 + hash % 1'500'000;
    return hash % 8 == 0 ? hash % 40'000 : hash % 3'000;
}

peers::content generated(const std::string& of, std::uint64_t size) {
    return {.kind = peers::content::kind::generated, .literal = {}, .size = size, .seed = hashed(of), .chunked = false};
}

/// What the origin has of it; `language`: of what varies.
peers::content stored(const std::string& target, const std::string& language) {
    const auto [kind, rest] = parts(target);
    if (kind == "esi" || kind == "nest") {
        std::string page = fmt::format("<p>{}<esi:include src=\"/hot/{}\"/></p><esi:remove>gone</esi:remove>", target, rest);
        if (kind == "esi") page += fmt::format("<esi:include src=\"/nest/{0}\"/><!--esi <esi:include src=\"/gz/{0}\"/>-->", rest);
        return {.kind = peers::content::kind::literal, .literal = page, .size = 0, .seed = 0, .chunked = false};
    }
    return generated(kind == "vary" ? target + language : target, size_of(target));
}

/// What the client gets of it.
std::string delivered(const std::string& target, const std::string& language) {
    const auto [kind, rest] = parts(target);
    if (kind != "esi" && kind != "nest") return stored(target, language).bytes();
    auto page = fmt::format("<p>{}{}</p>", target, delivered("/hot/" + rest, language));
    if (kind == "esi") page += fmt::format("{} {}", delivered("/nest/" + rest, language), delivered("/gz/" + rest, language));
    return page;
}

using maker = std::function<void(asked&, std::mt19937_64&, std::uint64_t serial)>;
struct kind_row {
    const char* kind;
    unsigned weight;
    maker make;  ///< fills in what the target alone does not tell
};

std::string some_fault(std::mt19937_64& chance) {
    const auto all = peers::fault_catalogue();
    return std::string(all[chance() % all.size()].id);
}

/// Stalls outlast no deadline of the cache by much, and what drips has its end.
peers::fault struck(const std::string& id) {
    peers::fault out{.id = id, .after = {}, .lasts = 300ms, .every = 1ms, .size = {}, .text = {}};
    if (id.starts_with("drip-")) out.size = 200;
    return out;
}

void post(asked& a, const std::string& target) {
    a.what.method = "POST";
    a.what.target = target;
    a.what.body = posted(target);
}

const std::vector<kind_row>& kinds() {
    static const std::vector<kind_row> all = {
        {"hot", 36, nullptr},
        {"cold", 8, [](asked& a, auto&, auto serial) { a.what.target = fmt::format("/cold/{}", serial); }},
        {"pass", 8, [](asked& a, auto&, auto) { a.what.fields.emplace_back("Cookie", "session=1"); }},
        {"post", 8, [](asked& a, auto&, auto serial) { post(a, fmt::format("/post/{}", serial)); }},
        {"vary", 4, [](asked& a, auto& chance, auto) { a.what.fields.emplace_back("Accept-Language", chance() % 2 ? "en" : "de"); }},
        {"check", 4, nullptr},
        {"gz", 4,
         [](asked& a, auto& chance, auto) {
             if (chance() % 2) a.what.fields.emplace_back("Accept-Encoding", "gzip");
         }},
        {"esi", 4, nullptr},
        {"range", 3, [](asked& a, auto& chance, auto) { a.what.fields.emplace_back("Range", fmt::format("bytes={}-", chance() % 200)); }},
        {"head", 2, [](asked& a, auto&, auto) { a.what.method = "HEAD"; }},
        {"big", 1, nullptr},
        {"fault", 8,
         [](asked& a, auto& chance, auto) {
             a.what.target = fmt::format("/fault/{}/{}", some_fault(chance), chance() % 4);
             a.may_fail = true;
         }},
        {"badpost", 3,
         [](asked& a, auto& chance, auto serial) {
             post(a, fmt::format("/badpost/{}/{}", some_fault(chance), serial));
             a.may_fail = true;
         }},
        {"badesi", 1,
         [](asked& a, auto& chance, auto) {
             a.what.target = fmt::format("/badesi/{}/{}", some_fault(chance), chance() % 4);
             a.may_fail = true;
         }},
        {"slow", 2,
         [](asked& a, auto&, auto serial) {
             post(a, fmt::format("/post/slow-{}", serial));
             a.what.sending = {.stop_after = {}, .then = {}, .piece = a.what.body.size / 5 + 1, .every = 5ms};
         }},
        {"leaves", 2,
         [](asked& a, auto& chance, auto serial) {
             using enum peers::sending::ending;
             post(a, fmt::format("/post/leaves-{}", serial));
             a.what.sending.stop_after = chance() % (a.what.body.size + 1);
             a.what.sending.then = std::array{close, reset, half_close}[chance() % 3];
             a.may_vanish = true;
         }},
        {"garbage", 1,
         [](asked& a, auto& chance, auto) {
             static const std::array broken = {"GET /hot/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                                               "GET /hot/1\rHTTP/1.1\r\nHost: a\r\n\r\n",
                                               "GET /hot/1 HTTP/1.1\r\nHost : a\r\n\r\n",
                                               "POST /post/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                               "\0\1\2\3 /hot/1 HTTP/1.1\r\n\r\n",
                                               "GET /hot/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"};
             a.what.raw = broken[chance() % broken.size()];
             a.may_vanish = true;
         }},
        {"purge", 1,
         [](asked& a, auto& chance, auto) {
             a.what.method = "PURGE";
             a.what.target = fmt::format("/hot/{}", chance() % keys);
         }},
    };
    return all;
}

/// The last response in what a client heard, with its content.
struct last_response final : http::reader_sink {
    last_response(const asked& request, const std::string& heard) {
        http::reader reader(http::direction::response, *this, {.keep_content = 64 * 1024 * 1024});
        reader.expect_response_to(request.what.raw ? "GET" : request.what.method);
        reader.feed(heard);
        reader.end(http::stream_end::fin);
    }
    void on_begin(http::stream_offset) override {}
    void on_header(const http::message&) override {}
    void on_stray(http::stream_offset, http::anomaly) override { stray = true; }
    void on_end(http::message&& whole) override {
        if (!whole.interim()) found = std::move(whole);
    }
    std::optional<http::message> found;
    bool stray = false;
};

/// Nothing where it is no whole gzip stream.
std::optional<std::string> unpacked(const std::string& bytes) {
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return std::nullopt;
    std::string out;
    std::array<char, 65536> piece{};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int state = Z_OK;
    while (state == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = piece.size();
        state = inflate(&stream, Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    return state == Z_STREAM_END && stream.avail_in == 0 ? std::optional(out) : std::nullopt;
}

std::string header(const asked& request, const char* name) {
    for (const auto& [field, value] : request.what.fields)
        if (field == name) return value;
    return {};
}

std::string wrong_content(const asked& request, const http::message& answer) {
    auto expected = delivered(request.what.target, header(request, "Accept-Language"));
    auto content = answer.content_start;
    if (answer.field("Content-Encoding").value_or("") == "gzip" && request.kind == "gz") {
        auto plain = unpacked(content);
        if (!plain) return "its content is no whole gzip stream";
        content = std::move(*plain);
    }
    if (answer.status == 206) {
        const auto range = header(request, "Range");
        std::size_t from = 0;
        std::from_chars(range.data() + range.find('=') + 1, range.data() + range.size(), from);
        expected = expected.substr(std::min(from, expected.size()));
    }
    if (content == expected) return {};
    const auto differs = static_cast<std::size_t>(std::ranges::mismatch(content, expected).in1 - content.begin());
    return fmt::format("its content ({} bytes) is not what the origin has ({} bytes), from byte {} on", content.size(), expected.size(),
                       differs);
}

}  // namespace

asked next_request(std::mt19937_64& chance, std::uint64_t serial) {
    static const unsigned all = [] {
        unsigned sum = 0;
        for (const auto& row : kinds()) sum += row.weight;
        return sum;
    }();
    unsigned drawn = static_cast<unsigned>(chance() % all);
    const auto row = std::ranges::find_if(kinds(), [&](const kind_row& one) {
        const bool mine = drawn < one.weight;
        drawn -= one.weight;
        return mine;
    });
    asked out;
    out.kind = row->kind;
    out.what.target = fmt::format("/{}/{}", row->kind, chance() % keys);
    out.what.deadline = 30s;
    if (row->make) row->make(out, chance, serial);
    return out;
}

peers::content posted(const std::string& target) {
    auto body = generated(target, hashed(target) % 16 == 0 ? hashed(target) % 200'000 : hashed(target) % 2'000);
    body.chunked = hashed(target) % 3 == 0;
    return body;
}

peers::reply answer(const peers::request_facts& to, std::mt19937_64& chance) {
    const auto [kind, rest] = parts(to.target);
    peers::reply reply;
    if (to.method == "POST") {
        reply.status = 201;
        reply.fields.emplace_back("Cache-Control", "no-store");
    } else {
        std::string language;
        for (const auto& [name, value] : to.fields)
            if (name == "Accept-Language") language = value;
        reply.body = stored(to.target, language);
        reply.body.chunked = chance() % 3 == 0;
        reply.fields.emplace_back("Cache-Control", kind == "pass" ? "no-store" : fmt::format("max-age={}", 1 + chance() % 4));
        reply.fields.emplace_back("Content-Type", "text/html");
        if (kind == "vary") reply.fields.emplace_back("Vary", "Accept-Language");
        if (kind == "check") {
            reply.fields.emplace_back("ETag", fmt::format("\"{:x}\"", hashed(to.target)));
            reply.validates = true;
        }
    }
    if (chance() % 20 == 0) reply.delay = std::chrono::milliseconds(chance() % 100);
    if (chance() % 50 == 0) reply.close = true;
    if (kind == "badesi")
        reply.body = {.kind = peers::content::kind::literal,
                      .literal = fmt::format("<p><esi:include src=\"/fault/{}\"/></p>", rest),
                      .size = 0,
                      .seed = 0,
                      .chunked = false};
    if ((kind == "fault" || kind == "badpost") && chance() % 3 != 0)  // else good: what is stale may then be served in its place
        reply.fault = struck(rest.substr(0, rest.find('/')));
    return reply;
}

std::string complaint(const asked& request, peers::client_state how, const std::string& heard) {
    const auto sentence = [&](const std::string& what) {
        return fmt::format("{} {} on {}: {}; it heard {} bytes, which begin: {:?}", request.what.method, request.what.target,
                           request.what.connection.empty() ? "a fresh connection" : request.what.connection, what, heard.size(),
                           heard.substr(0, 300));
    };
    if (request.may_vanish) return {};
    if (how == peers::client_state::gave_up) return sentence("nothing ended it within its deadline");
    if (how == peers::client_state::refused) return sentence("the cache refused the connection");
    const last_response all(request, heard);
    if (!all.found)
        return request.may_fail && how == peers::client_state::closed_without_answer && heard.empty() ? "" : sentence("it got no answer");
    const auto& answer = *all.found;
    if (all.stray) return sentence("bytes that belong to no response");
    if (!answer.complete || how != peers::client_state::answered) return request.may_fail ? "" : sentence("its answer was cut short");
    if (request.what.method == "PURGE") return answer.status == 200 ? "" : sentence(fmt::format("status {}", answer.status));
    if (request.what.method == "POST")
        return answer.status == 201 || request.may_fail ? "" : sentence(fmt::format("status {}", answer.status));
    if (answer.status == 200 || answer.status == 206) {
        if (request.what.method == "HEAD" || request.kind == "badesi") return {};
        const auto wrong = wrong_content(request, answer);
        return wrong.empty() ? "" : sentence(wrong);
    }
    if (answer.status == 416 && request.kind == "range") return {};
    return request.may_fail && answer.status >= 300 ? "" : sentence(fmt::format("status {}", answer.status));
}

std::string outcome(const asked& request, const std::string& heard) {
    const last_response all(request, heard);
    if (!all.found) return "none";
    return all.found->complete ? fmt::to_string(all.found->status) : "cut";
}

}  // namespace badorigin::load
