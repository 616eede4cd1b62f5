// The origins of one configuration: backends with their health, and the objects (directors, saint mode) that choose between them.
//
// A director is asked at the last moment, when a fetch needs an origin, and answers for the cache key at hand; so a saint list can keep
// away from an origin what that origin fails, and nothing else.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "proxy-under-test/cache/clock.h"
#include "proxy-under-test/cache/proxy_header.h"
#include "proxy-under-test/cache/saint_list.h"
#include "proxy-under-test/vcl/program.h"

namespace badorigin::cache {

/// The last `window` probes of a backend; healthy with at least `threshold` good ones among them.
class probe_window {
public:
    explicit probe_window(const vcl::probe_definition& of);
    void add(bool good);
    bool healthy() const;
    std::ptrdiff_t good() const;

private:
    std::size_t size_;
    int threshold_;
    std::deque<bool> results_;
};

struct backend {
    vcl::backend_definition definition;
    std::string address;  ///< numeric
    std::uint16_t port = 80;
    std::optional<probe_window> probed;
    int connections = 0;                ///< open, against definition.max_connections
    std::optional<saint_list> saint{};  ///< VCL 3: of its own

    const std::string& name() const { return definition.name; }
    /// `backend NAME none;`: always sick, so that who is sent there is answered from the store or not at all.
    bool is_none() const { return definition.host.empty(); }
    bool healthy() const { return !is_none() && (!probed || probed->healthy()); }
    bool healthy_for(const std::string& key, nanoseconds now) const { return healthy() && !(saint && saint->sick_for(key, now)); }
    std::string pool_key() const { return address + ' ' + std::to_string(port); }
    std::string host() const;  ///< for requests without Host
    /// What a connection to it begins with, on behalf of a client that reached us so; empty: nothing.
    std::string greeting(const proxy_header& ends) const;
};

/// What a director chose, and the saint list it went through last.
struct picked_backend {
    backend* to = nullptr;
    saint_list* saint = nullptr;
};

class backend_set {
public:
    /// Throws std::runtime_error with a sentence when a host cannot be resolved.
    explicit backend_set(const vcl::program& of);

    std::optional<picked_backend> resolve(const std::string& name, const std::string& key, nanoseconds now);
    bool healthy(const std::string& name, const std::string& key, nanoseconds now);
    struct asked {
        const std::string &key, &url;
        nanoseconds now;
    };
    /// A method of an object: "NAME.backend", "NAME.is_healthy" … none: no such object or method.
    std::optional<vcl::value> call(const std::string& object, std::string_view method, const std::vector<vcl::value>& arguments,
                                   const asked& by);
    /// All saintmode objects with what is listed, as saintmode.status() has it.
    std::string saint_status(nanoseconds now) const;

    const std::string& default_name() const { return default_; }
    const std::vector<std::unique_ptr<backend>>& backends() const { return backends_; }

private:
    struct member {
        std::string name;
        double weight = 1.0;
        std::string ident;  ///< what shard hashes
    };
    struct object {
        std::string type;
        std::vector<member> members;
        saint_list saint{0};
        std::size_t turn = 0;
        bool sticky = false;
        std::string current{};  ///< of a sticky fallback
    };
    std::vector<member> healthy_members(const object& of, const std::string& key, nanoseconds now);
    std::string fall_back(object& of, const std::vector<member>& candidates) const;
    std::string shard(const object& of, const std::vector<vcl::value>& arguments, const asked& by);
    void change_members(object& of, std::string_view method, const std::vector<vcl::value>& arguments);

    std::string default_;
    std::vector<std::unique_ptr<backend>> backends_;
    std::map<std::string, object> objects_;
    std::mt19937_64 random_{1};  ///< the same choices in every run
    int depth_ = 0;
};

}  // namespace badorigin::cache
