// A loaded VCL configuration: what the lexer, parser and checker make of the source, and how its subroutines run.
//
// load() either returns a program in which every name, type and place has been checked against the one table of variables,
// actions and functions (table.h), or the errors. Running cannot fail: what the language cannot rule out beforehand (an unknown
// regex subject, a missing header) has a defined value.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy-under-test/vcl/cookie_jar.h"
#include "proxy-under-test/vcl/value.h"

namespace badorigin::cache::vcl {

enum class subroutine {
    init,
    recv,
    hash,
    hit,
    miss,
    pass,
    pipe,
    purge,
    deliver,
    synth,
    backend_fetch,
    backend_response,
    backend_error,
    fini
};
std::string_view name(subroutine which);  ///< "vcl_recv" …
/// "vcl_fetch" for backend_response in VCL 3; empty where that version has no such subroutine.
std::string_view name(subroutine which, int version);

enum class action { none, ok, lookup, hash, pass, pipe, synth, restart, deliver, fetch, retry, abandon, purge, error, fail };
std::string_view name(action which);

struct outcome {
    action what = action::none;
    int status = 0;  ///< of return (synth(status, reason)), error(…)
    std::string reason;
};

struct probe_definition {
    std::string url = "/";
    std::string request;  ///< full request text when given by .request (its lines and the empty one, each with CRLF), else empty
    std::chrono::nanoseconds interval{5'000'000'000}, timeout{2'000'000'000};
    int window = 8, threshold = 3, initial = 2, expected_response = 200;
};
struct backend_definition {
    std::string name, host, port = "80";
    std::string host_header;
    std::optional<std::chrono::nanoseconds> connect_timeout, first_byte_timeout, between_bytes_timeout;
    int max_connections = 0;                   ///< 0: no limit
    int proxy_header = 0;                      ///< version of the PROXY header that each connection begins with; 0: none
    std::optional<int> saintmode_threshold{};  ///< VCL 3: the backend has a list of its own; so many on it make it sick, 0: never
    std::optional<probe_definition> probe;
    position at;
};

/// `new NAME = module.type(args);` of vcl_init, already evaluated. Directors get their members by `calls` in order.
struct object_definition {
    std::string name, module, type;  ///< "sm", "saintmode", "saintmode"
    std::vector<value> arguments;
    struct method_call {
        std::string method;
        std::vector<value> arguments;
    };
    std::vector<method_call> calls;  ///< statements of vcl_init such as `d.add_backend(app);`
    position at;
};

enum class message { none, req, req_top, bereq, beresp, obj, resp };

/// A variable as a policy names it, found in the table when the policy was loaded.
struct variable_name {
    std::string name;        ///< the canonical one, in lower case but for what stands for "*": "req.http.Host", "beresp.ttl", "obj.hits"
    std::string part;        ///< what stands for "*": "Host"; else empty
    message whose = {};      ///< that it is a part of
    std::size_t number = 0;  ///< number_of("req.http.*")
    bool is_field() const { return whose != message::none && !part.empty(); }
};

/// What a running subroutine sees and changes. The cache implements it for each request.
class context {
public:
    virtual ~context() = default;
    virtual value read(const variable_name& variable) = 0;
    /// The text of a field, or of another variable that is held as one, until something is written. Null: the field is not there, the
    /// other has to be read.
    virtual const std::string* held(const variable_name& variable) = 0;
    virtual void write(const variable_name& variable, const value& to) = 0;
    virtual void unset(const variable_name& variable) = 0;
    /// "std.log", "std.cache_req_body", "std.healthy", "saintmode.blacklist", … with the arguments evaluated; for methods of objects
    /// "OBJECT.method" (such as "sm.backend"). Pure functions (std.tolower, std.duration, std.integer, std.querysort, …) never get here.
    virtual value call(std::string_view function, const std::vector<value>& arguments) = 0;
    virtual void hash_data(std::string_view text) = 0;
    /// The whole body: it takes the place of what was set before.
    virtual void synthetic(std::string_view body) = 0;
    /// The ban expression as written; returns false where it is malformed.
    virtual bool ban(std::string_view expression) = 0;
    /// What module cookie works on: one for each request of a client, and one for each fetch.
    virtual cookie_jar& cookies() = 0;
};

/// What stands behind the user's code: what RFC 9111 wants of a shared cache, or what Varnish 7 does.
enum class builtin { rfc, varnish };

class program {
public:
    ~program();
    /// `name` is used in positions; `include_directory` for include statements. All errors found, in source order.
    static std::expected<std::shared_ptr<const program>, std::vector<error>> load(std::string source, std::string name,
                                                                                  std::string include_directory = ".",
                                                                                  builtin beneath = builtin::varnish);

    /// Runs the subroutine as the user wrote it and, where it falls off its end, the built-in one behind it (Varnish's order; built-in
    /// behaviour as in Varnish 7's built-in VCL). Always ends in an action that the subroutine may return.
    outcome run(subroutine which, context& in) const;

    int version() const;  ///< 30, 40 or 41
    const std::vector<backend_definition>& backends() const;
    /// A backend or director: the one called default, else the first.
    const std::string& default_backend() const;
    const std::vector<object_definition>& objects() const;

private:
    program();
    struct parts;
    std::unique_ptr<parts> parts_;
};

/// A ban expression: `req.url ~ "…" && obj.http.x == y && …`, tested against a stored object.
class ban_expression {
public:
    static std::expected<ban_expression, std::string> parse(std::string_view text);
    /// `read` gives the string for "req.url", "req.http.X", "obj.http.X", "obj.status", "obj.age" …; nothing for a field that is not
    /// there, which is equal to nothing and matches nothing.
    bool matches(const std::function<std::optional<std::string>(std::string_view)>& read) const;
    const std::string& text() const { return text_; }

private:
    struct test {
        std::string variable, operand;
        std::string op;  ///< == != ~ !~ < >
        std::shared_ptr<void> regex;
    };
    std::string text_;
    std::vector<test> tests_;
};

}  // namespace badorigin::cache::vcl
