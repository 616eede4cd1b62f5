// Advice for sites, readable off the wire (R2.29 to R2.32): told, never a verdict. Each rule gives one finding for the whole capture, with
// how many exchanges it concerns and the first few of them: a site that does something wrong does it thousands of times.
//
// The origins' own responses are looked at; where only the clients' side was captured, what the clients got.
#include <algorithm>
#include <array>

#include "capture/recent.h"
#include "harness/judge/rules/rule_base.h"
#include "http/freshness.h"

namespace badorigin::judge {

namespace {

class advice_rule : public rule {
public:
    explicit advice_rule(std::string_view id) : id_{id} {}
    std::string_view id() const final { return id_; }
    void see(const transaction&, const matter&, std::vector<finding>&) final {}

    void see_part(const matter& about, std::vector<finding>&) final {
        const auto& all = about.evidence.exchanges;
        if (!origins_seen_ && std::ranges::any_of(all, [](const exchange_ptr& e) { return is_origin_leg(*e); })) {
            origins_seen_ = true;
            looked_at_ = count_ = 0;
            first_.clear();
            forget();
        }
        for (const auto& e : all)
            if (is_origin_leg(*e) == origins_seen_ && e->response && !e->gap) look(*e);
    }

    void finish(const matter&, std::vector<finding>& findings) final {
        finding f;
        f.claim = id_;
        f.kind = kind::advice;
        f.outcome = count_ > 0 ? outcome::violated : looked_at_ > 0 ? outcome::upheld : outcome::not_applicable;
        if (count_ > 0) {
            f.message = fmt::format("{} of {} {}", count_, looked_at_, summary());
            f.citations = std::move(first_);
        }
        findings.push_back(std::move(f));
    }

protected:
    virtual void look(const exchange& e) = 0;
    /// What was counted is not counted: it was of clients, and now there is what origins answer.
    virtual void forget() {}
    /// What those that were counted do, behind "12 of 40 ".
    virtual std::string summary() const = 0;

    void applies() { ++looked_at_; }
    /// `what` makes the words, for those that are shown.
    void concerns(const exchange& e, const auto& what) {
        ++count_;
        if (first_.size() < shown) first_.push_back(cite_response(what(), e));
    }

private:
    static constexpr std::size_t shown = 3;
    std::string_view id_;
    bool origins_seen_ = false;
    std::size_t looked_at_ = 0, count_ = 0;
    std::vector<citation> first_;
};

bool is_page(const exchange& e) {
    return e.request && e.request->message.method == "GET" && e.answered_whole() && status_of(e) == 200;
}

std::string what_was_asked(const exchange& e) {
    return fmt::format("{} {}", request_line(e), host_of(e.request->message));
}

class freshness_advice final : public advice_rule {
public:
    freshness_advice() : advice_rule{"freshness-and-validators-given"} {}

private:
    void look(const exchange& e) override {
        if (!is_page(e)) return;
        applies();
        const auto& m = e.response->message;
        const bool fresh = m.field("Cache-Control") || m.field("Expires"), validator = m.field("ETag") || m.field("Last-Modified");
        const bool kept_nowhere = http::parse_cache_control(m.fields).no_store;
        if (kept_nowhere || (fresh && validator)) return;
        if (!fresh) ++(validator ? validator_alone_ : neither_);
        concerns(e, [&] {
            return fmt::format("{}: {}", what_was_asked(e),
                               fresh       ? "a freshness lifetime, and no validator"
                               : validator ? "a validator, and no freshness lifetime"
                                           : "neither freshness lifetime nor validator");
        });
    }
    std::string summary() const override {
        return fmt::format(
            "responses lack Cache-Control and Expires, or ETag and Last-Modified: {} have only a validator (a conditional request for "
            "every view), {} neither (the whole body each time)",
            validator_alone_, neither_);
    }
    void forget() override { validator_alone_ = neither_ = 0; }
    std::size_t validator_alone_ = 0, neither_ = 0;
};

class etag_advice final : public advice_rule {
public:
    etag_advice() : advice_rule{"same-etag-from-each-origin"} {}

private:
    struct first_seen {
        std::string origin, etag;
    };
    void look(const exchange& e) override {
        if (!is_page(e) || !e.response->message.field("ETag") || e.response->message.content_size == 0) return;
        applies();
        const auto& m = e.response->message;
        const auto key =
            fmt::format("{} {} {} {}", host_of(e.request->message), target_of(e.request->message), m.content_size, m.content_hash);
        first_seen now{e.on->server.text(), std::string{*m.field("ETag")}};
        const auto [at, fresh] = seen_.try_emplace(key, now);
        if (fresh || at->origin == now.origin || at->etag == now.etag) return;
        concerns(e, [&] {
            return fmt::format("{}: {} says ETag {}, {} said {} of the same bytes", what_was_asked(e), now.origin, now.etag, at->origin,
                               at->etag);
        });
    }
    std::string summary() const override { return "responses have another ETag than the same bytes from another origin: needless bodies"; }
    void forget() override { seen_.clear(); }
    capture::recent<std::string, first_seen> seen_;
};

class vary_advice final : public advice_rule {
public:
    vary_advice() : advice_rule{"varies-by-few"} {}

private:
    void look(const exchange& e) override {
        if (!is_page(e)) return;
        applies();
        if (http::has_token(e.response->message.fields, "Vary", "User-Agent")) concerns(e, [&] { return what_was_asked(e); });
    }
    std::string summary() const override { return "responses vary by User-Agent: hardly two clients share a stored copy"; }
};

class compression_advice final : public advice_rule {
public:
    compression_advice() : advice_rule{"text-compressed"} {}

private:
    static constexpr std::uint64_t worth_it = 1024;

    static bool is_text(std::string_view type) {
        constexpr std::array<std::string_view, 6> others{"application/javascript", "application/json",    "application/xml",
                                                         "application/xhtml+xml",  "application/rss+xml", "image/svg+xml"};
        const auto essence = type.substr(0, type.find_first_of("; "));
        return essence.starts_with("text/") || std::ranges::find(others, essence) != others.end();
    }
    void look(const exchange& e) override {
        if (!is_page(e)) return;
        const auto& m = e.response->message;
        if (m.content_size < worth_it || !is_text(m.field("Content-Type").value_or(""))) return;
        if (joined(e.request->message.fields, "Accept-Encoding").find("gzip") == std::string::npos) return;
        applies();
        if (!m.field("Content-Encoding")) concerns(e, [&] { return what_was_asked(e); });
    }
    std::string summary() const override { return "texts of 1 KiB and more go uncompressed to who accepts gzip"; }
};

class version_advice final : public advice_rule {
public:
    version_advice() : advice_rule{"versions-not-told"} {}

private:
    static bool has_version(std::string_view value) {
        for (auto slash = value.find('/'); slash != std::string_view::npos; slash = value.find('/', slash + 1))
            if (slash + 1 < value.size() && value[slash + 1] >= '0' && value[slash + 1] <= '9') return true;
        return false;
    }
    void look(const exchange& e) override {
        if (!e.answered()) return;
        applies();
        for (const auto* name : {"Server", "X-Powered-By", "X-AspNet-Version"}) {
            const auto value = e.response->message.field(name);
            if (value && (has_version(*value) || std::string_view{name} == "X-AspNet-Version"))
                return concerns(e, [&] { return fmt::format("{}: {}", name, *value); });
        }
    }
    std::string summary() const override { return "responses tell which versions of which software answer"; }
};

class cookie_advice final : public advice_rule {
public:
    cookie_advice() : advice_rule{"no-cookie-on-shared-content"} {}

private:
    void look(const exchange& e) override {
        if (!is_page(e)) return;
        const auto& m = e.response->message;
        const auto control = http::parse_cache_control(m.fields);
        if (control.is_private || control.no_store || control.no_cache) return;
        using source = http::lifetime::source;
        const auto fresh = http::freshness_lifetime(m);
        const bool lasts = fresh.from != source::none && fresh.from != source::heuristic && fresh.value.count() > 0;
        if (!control.is_public && !lasts) return;
        applies();
        if (m.field("Set-Cookie")) concerns(e, [&] { return what_was_asked(e); });
    }
    std::string summary() const override {
        return "responses that may be shared set a cookie: a cache keeps them from all, or gives one client's cookie to others";
    }
};

class plain_advice final : public advice_rule {
public:
    plain_advice() : advice_rule{"plain-http-answered-in-http"} {}

private:
    void look(const exchange& e) override {
        applies();
        const auto& m = e.response->message;
        if (m.framing != http::framing::headerless) return;
        const auto start = std::string_view{m.content_start};
        const bool tls = start.starts_with("\x15\x03") || start.starts_with("\x16\x03");
        const bool page =
            start.find("<html") != std::string_view::npos || start.find("<HTML") != std::string_view::npos || start.starts_with("<!");
        const bool port = e.on->server.port == 443 || e.on->server.port == 8443;
        if (!tls && !page && !port) return;
        concerns(e, [&] {
            return fmt::format("{} to {} is answered with {}", request_line(e), e.on->server.text(),
                               tls ? "a TLS record" : "a page without status line and header");
        });
    }
    std::string summary() const override { return "answers are no HTTP, as from a port that expects TLS (a health check, perhaps)"; }
};

}  // namespace

std::unique_ptr<rule> freshness_and_validators_given() {
    return std::make_unique<freshness_advice>();
}
std::unique_ptr<rule> same_etag_from_each_origin() {
    return std::make_unique<etag_advice>();
}
std::unique_ptr<rule> varies_by_few() {
    return std::make_unique<vary_advice>();
}
std::unique_ptr<rule> text_compressed() {
    return std::make_unique<compression_advice>();
}
std::unique_ptr<rule> versions_not_told() {
    return std::make_unique<version_advice>();
}
std::unique_ptr<rule> no_cookie_on_shared_content() {
    return std::make_unique<cookie_advice>();
}
std::unique_ptr<rule> plain_http_answered_in_http() {
    return std::make_unique<plain_advice>();
}

}  // namespace badorigin::judge
