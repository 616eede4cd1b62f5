// Varnish's command line interface, spoken over the manager's standard input and output (varnishd -d): no TCP connection that the capture
// would see, no secret, and varnishd ends by itself when the harness does.
#pragma once

#include <string>

#include "proxy-under-test/drivers/process.h"

namespace badorigin::drivers {

struct cli_answer {
    int status = 0;  ///< 200: fine
    std::string text;
};

class varnish_cli {
public:
    explicit varnish_cli(process& varnishd) : varnishd_(varnishd) {}
    /// The next answer (varnishd greets with one). Throws set_up_error at the deadline or when varnishd has gone.
    cli_answer receive(deadline when);
    cli_answer ask(const std::string& command, deadline when);

private:
    process& varnishd_;
    std::string received_;
};

/// A word as the CLI reads it back.
std::string cli_quote(const std::string& word);
/// A ban expression (`req.url ~ "^/a b" && obj.status == 200`, backslashes as the regular expression needs them) in the CLI's spelling.
/// Throws set_up_error.
std::string cli_ban(const std::string& expression);

}  // namespace badorigin::drivers
