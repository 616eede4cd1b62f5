// The cookies that module cookie works on: names and values in order, of one request or one fetch.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace badorigin::cache::vcl {

class cookie_jar {
public:
    /// Of the field Cookie, "a=1; b=2": in the place of what was there. What has no "=" is left out.
    void parse(std::string_view field);
    void set(std::string_view name, std::string_view value);
    const std::string* get(std::string_view name) const;
    /// The value of the first cookie whose name fits, or null.
    const std::string* first(const std::function<bool(const std::string&)>& fits) const;
    void drop(const std::function<bool(const std::string&)>& fits);
    std::string text() const;

private:
    std::vector<std::pair<std::string, std::string>> cookies_;
};

/// "a,b, c": whether `name` is one of them.
bool names_cookie(std::string_view list, std::string_view name);

}  // namespace badorigin::cache::vcl
