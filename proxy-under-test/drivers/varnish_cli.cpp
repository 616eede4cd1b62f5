#include "proxy-under-test/drivers/varnish_cli.h"

#include <cerrno>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace badorigin::drivers {
namespace {

constexpr std::size_t header_size = 13;  // "200 315     \n"

struct word {
    std::string text;
    bool quoted = false;
};

std::vector<word> words_of(const std::string& expression) {
    std::vector<word> words;
    for (std::size_t i = 0; i < expression.size(); ++i) {
        if (expression[i] == ' ' || expression[i] == '\t') continue;
        word next;
        if (expression[i] == '"') {
            next.quoted = true;
            for (++i; i < expression.size() && expression[i] != '"'; ++i) {
                if (expression[i] == '\\' && i + 1 < expression.size() && expression[i + 1] == '"') ++i;
                next.text += expression[i];
            }
            if (i >= expression.size()) throw set_up_error(fmt::format("the ban has an open quote: {}", expression));
        } else {
            while (i < expression.size() && expression[i] != ' ' && expression[i] != '\t') next.text += expression[i++];
        }
        words.push_back(next);
    }
    return words;
}

}  // namespace

cli_answer varnish_cli::receive(deadline when) {
    for (;;) {
        if (received_.size() > header_size) {
            const auto size = static_cast<std::size_t>(std::strtoul(received_.c_str() + 4, nullptr, 10));
            if (received_.size() >= header_size + size + 1) {
                cli_answer answer{std::atoi(received_.c_str()), received_.substr(header_size, size)};
                received_.erase(0, header_size + size + 1);
                return answer;
            }
        }
        char piece[4096];
        const auto size = ::recv(varnishd_.channel(), piece, sizeof piece, 0);
        if (size > 0) {
            received_.append(piece, static_cast<std::size_t>(size));
        } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            throw set_up_error("varnishd closed its command line interface");
        } else if (!poll_until(varnishd_.channel(), -1, POLLIN, when)) {
            throw set_up_error("varnishd did not answer on its command line interface in time");
        }
    }
}

cli_answer varnish_cli::ask(const std::string& command, deadline when) {
    const auto line = command + "\n";
    for (std::size_t sent = 0; sent < line.size();) {
        const auto size = ::send(varnishd_.channel(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (size > 0)
            sent += static_cast<std::size_t>(size);
        else if ((errno != EAGAIN && errno != EINTR) || !poll_until(varnishd_.channel(), -1, POLLOUT, when))
            throw set_up_error("varnishd does not read its command line interface");
    }
    return receive(when);
}

std::string cli_quote(const std::string& word) {
    std::string quoted = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string cli_ban(const std::string& expression) {
    std::string command = "ban";
    std::string operation;
    for (const auto& [text, quoted] : words_of(expression)) {
        auto spelled = text;
        // The manager hands the words on to the worker unquoted, so a blank inside one would split it (7.1.1).
        for (std::size_t at = 0; (at = spelled.find(' ', at)) != std::string::npos;) {
            if (operation != "~" && operation != "!~")
                throw set_up_error(fmt::format("Varnish's CLI takes no blank in a compared value: {}", expression));
            spelled.replace(at, 1, "\\x20");
        }
        command += " " + (quoted ? cli_quote(spelled) : spelled);
        operation = text;
    }
    return command;
}

}  // namespace badorigin::drivers
