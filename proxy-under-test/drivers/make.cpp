#include <fmt/format.h>

#include "proxy-under-test/drivers/kinds.h"
#include "proxy-under-test/drivers/words.h"

namespace badorigin::drivers {

std::unique_ptr<driver> make_driver(const std::string& specification, const std::string& program_directory) {
    const auto colon = specification.find(':');
    const auto kind = specification.substr(0, colon);
    const auto rest = colon == std::string::npos ? std::string{} : specification.substr(colon + 1);
    if (kind == "bundled" && colon == std::string::npos) return make_bundled(program_directory + "/badorigin-cache");
    if (kind == "varnish") return make_varnish(rest.empty() ? "varnishd" : rest);
    // Its configuration is the policy's nginx.conf; whatever nginx writes by itself goes beside it.
    if (kind == "nginx") return make_command((rest.empty() ? "nginx" : rest) + " -e stderr -p {workdir} -c {config}");
    if (kind == "cmd") return make_command(rest);
    if (kind == "at") return make_address(rest);
    auto guess = near_miss(kind, {"bundled", "varnish", "nginx", "cmd", "at"});
    if (!guess.empty() && guess != kind) guess = fmt::format(" Did you mean \"{}\"?", guess);
    if (guess == kind) guess = " (\"bundled\" takes nothing after it.)";
    throw set_up_error(
        fmt::format("\"{}\" is no proxy that can be driven: there are bundled, varnish, varnish:/path/to/varnishd, nginx, "
                    "nginx:/path/to/nginx, cmd:COMMAND LINE and at:HOST:PORT.{}",
                    specification, guess));
}

}  // namespace badorigin::drivers
