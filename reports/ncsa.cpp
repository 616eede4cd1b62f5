// %h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"
#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <yaml-cpp/binary.h>

#include "harness/judge/facts.h"
#include "reports/escaped.h"
#include "reports/log.h"

namespace badorigin::report {

namespace {

/// Inside quotes: nothing may end them, or the line.
std::string quotable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return escaped(out);
}

std::string field_or_dash(const http::message& m, std::string_view name) {
    const auto value = m.field(name);
    return value && !value->empty() ? quotable(*value) : "-";
}

/// Of Basic credentials, a word without blanks; "-" where there is none.
std::string user_of(const http::message& request) {
    constexpr std::string_view basic = "Basic ";
    const auto value = request.field("Authorization");
    if (!value || value->size() <= basic.size() || !http::same_name(value->substr(0, basic.size()), basic)) return "-";
    const auto bytes = YAML::DecodeBase64(std::string(value->substr(basic.size())));
    const std::string credentials(bytes.begin(), bytes.end());
    const auto user = credentials.substr(0, credentials.find(':'));
    const bool word = !user.empty() && user.find_first_of(" \t\"") == std::string::npos;
    return word ? quotable(user) : "-";
}

std::string request_line(const http::message& m) {
    const auto host = m.field("Host").value_or("localhost");
    const bool absolute = m.target.find("://") < m.target.find_first_of("/?");
    return fmt::format("{} {}{} HTTP/{}.{}", m.method, absolute ? std::string{} : fmt::format("http://{}", host), m.target, m.version.major,
                       m.version.minor);
}

}  // namespace

std::string ncsa_line(const capture::transaction& t) {
    if (!t.client) return {};
    const auto& e = *t.client;
    const http::message none;
    const auto& request = e.request ? e.request->message : none;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(judge::begin_of(e).time).count();
    const auto status = judge::status_of(e);
    const auto size = e.response ? e.response->message.content_size : 0;
    return fmt::format("{} - {} [{:%d/%b/%Y:%H:%M:%S} +0000] \"{}\" {} {} \"{}\" \"{}\"", e.on->client.address.text(), user_of(request),
                       fmt::gmtime(static_cast<std::time_t>(seconds)), e.request ? quotable(request_line(request)) : "-",
                       status ? fmt::to_string(status) : "-", size ? fmt::to_string(size) : "-", field_or_dash(request, "Referer"),
                       field_or_dash(request, "User-Agent"));
}

}  // namespace badorigin::report
