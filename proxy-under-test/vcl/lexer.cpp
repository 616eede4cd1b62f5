#include "proxy-under-test/vcl/lexer.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/core.h>

namespace badorigin::cache::vcl {

namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool in_word(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}

class lexer {
public:
    lexer(sources& all, std::uint32_t which) : all_(all), text_(all[which].content), at_{.source = which} {}

    std::vector<token> run() {
        while (skip_blank()) next();
        tokens_.push_back({.what = token::kind::end, .text = "end of file", .number = {}, .at = at_, .behind = at_});
        return std::move(tokens_);
    }

private:
    char peek(std::size_t ahead = 0) const { return here_ + ahead < text_.size() ? text_[here_ + ahead] : '\0'; }
    bool sees(std::string_view what) const { return text_.substr(here_).starts_with(what); }

    void advance(std::size_t count) {
        for (; count > 0 && here_ < text_.size(); --count, ++here_) {
            if (text_[here_] == '\n') {
                ++at_.line;
                at_.column = 1;
            } else {
                ++at_.column;
            }
        }
    }

    /// Skips blanks and comments; false at the end.
    bool skip_blank() {
        while (here_ < text_.size()) {
            const char c = peek();
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
                advance(1);
            } else if (c == '#' || sees("//")) {
                advance(text_.find('\n', here_) == std::string_view::npos ? text_.size() - here_ : text_.find('\n', here_) - here_);
            } else if (sees("/*")) {
                const auto close = text_.find("*/", here_ + 2);
                if (close == std::string_view::npos) {
                    all_.complain(at_, "this comment has no end: */ is missing");
                    advance(text_.size() - here_);
                } else {
                    advance(close + 2 - here_);
                }
            } else {
                return true;
            }
        }
        return false;
    }

    void push(token::kind what, std::string text, std::size_t length, value number = {}) {
        tokens_.push_back({.what = what, .text = std::move(text), .number = std::move(number), .at = at_, .behind = at_});
        advance(length);
        tokens_.back().behind = at_;
    }

    void next() {
        const char c = peek();
        if (sees("\"\"\"")) return long_string("\"\"\"", "\"\"\"");
        if (sees("{\"")) return long_string("{\"", "\"}");
        if (c == '{') {
            std::size_t letters = 1;
            while (is_letter(peek(letters)) || is_digit(peek(letters))) ++letters;
            const auto name = text_.substr(here_ + 1, letters - 1);
            if (letters > 1 && peek(letters) == '"') return long_string(text_.substr(here_, letters + 1), fmt::format("\"{}}}", name));
        }
        if (c == '"') return string();
        if (is_digit(c)) return number();
        if (sees("C{")) return inline_c();
        if (is_letter(c)) return word();
        symbol();
    }

    void long_string(std::string_view open, std::string_view close) {
        const auto end = text_.find(close, here_ + open.size());
        if (end == std::string_view::npos) {
            all_.complain(at_, fmt::format("this long string has no end: {} is missing", close));
            return push(token::kind::text, {}, text_.size() - here_);
        }
        const auto content = text_.substr(here_ + open.size(), end - here_ - open.size());
        if (content.find('\0') != std::string_view::npos) all_.complain(at_, "a string may not hold a NUL byte");
        push(token::kind::text, std::string(content), end + close.size() - here_);
    }

    void string() {
        const auto end = text_.find_first_of("\"\n", here_ + 1);
        if (end == std::string_view::npos || text_[end] == '\n') {
            all_.complain(at_, R"(this string does not end on its line (use {"…"} for strings over several lines))");
            const auto stop = end == std::string_view::npos ? text_.size() : end;
            return push(token::kind::text, {}, stop - here_);
        }
        const auto content = text_.substr(here_ + 1, end - here_ - 1);
        if (content.find('\0') != std::string_view::npos) all_.complain(at_, "a string may not hold a NUL byte");
        push(token::kind::text, std::string(content), end + 1 - here_);
    }

    void inline_c() {
        all_.complain(at_, "inline C is not supported");
        const auto end = text_.find("}C", here_);
        advance(end == std::string_view::npos ? text_.size() - here_ : end + 2 - here_);
    }

    void word() {
        std::size_t length = 1;
        while (in_word(peek(length))) ++length;
        std::string text(text_.substr(here_, length));
        if (text.ends_with('.') && peek(length) == '"') {  // req.http."any name"
            const auto end = text_.find_first_of("\"\n", here_ + length + 1);
            if (end != std::string_view::npos && text_[end] == '"') {
                text += text_.substr(here_ + length + 1, end - here_ - length - 1);
                length = end + 1 - here_;
            }
        }
        push(token::kind::word, std::move(text), length);
    }

    void number() {
        std::size_t length = 1;
        while (is_digit(peek(length))) ++length;
        bool fraction = false;
        if (peek(length) == '.' && is_digit(peek(length + 1))) {
            fraction = true;
            for (++length; is_digit(peek(length));) ++length;
        }
        const auto digits = text_.substr(here_, length);
        double real = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), real);
        std::size_t with_unit = length;
        while (is_letter(peek(with_unit))) ++with_unit;
        const auto unit = text_.substr(here_ + length, with_unit - length);
        const auto whole = std::string(text_.substr(here_, with_unit));
        if (unit.empty()) {
            if (fraction) return push(token::kind::real, whole, with_unit, real);
            std::int64_t integer = 0;
            const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), integer);
            if (failed != std::errc{}) all_.complain(at_, fmt::format("the number {} is too large", quoted(whole)));
            return push(token::kind::integer, whole, with_unit, integer);
        }
        if (const auto seconds = duration_unit(unit); seconds > 0) {
            if (real * seconds > 9e9) all_.complain(at_, fmt::format("the duration {} is too long", quoted(whole)));
            return push(token::kind::duration, whole, with_unit, duration{nanoseconds_of(real * seconds)});
        }
        if (const auto factor = bytes_unit(unit); factor > 0) {
            const auto count = real * factor;
            if (count > 9e18) all_.complain(at_, fmt::format("the size {} is too large", quoted(whole)));
            return push(token::kind::bytes, whole, with_unit, bytes{count > 9e18 ? 0 : static_cast<std::uint64_t>(count)});
        }
        all_.complain(at_, fmt::format("unknown unit {} behind a number; units are ms s m h d w y and B KB MB GB TB", quoted(unit)));
        push(token::kind::integer, whole, with_unit, std::int64_t{0});
    }

    void symbol() {
        static constexpr std::array<std::string_view, 30> symbols{
            "==", "!=", "<=", ">=", "!~", "&&", "||", "+=", "-=", "*=", "/=", "{", "}", "(",
            ")",  ";",  ",",  ".",  "=",  "!",  "<",  ">",  "~",  "+",  "-",  "*", "/", "%"};
        for (const auto each : symbols) {
            if (!each.empty() && sees(each)) return push(token::kind::symbol, std::string(each), each.size());
        }
        const auto c = static_cast<unsigned char>(peek());
        if (c == '&' || c == '|') {
            all_.complain(at_, fmt::format("a single {0} is no operator; write {0}{0}", static_cast<char>(c)));
        } else if (c == '\'') {
            all_.complain(at_, "strings are written with double quotes");
        } else {
            all_.complain(at_, c > 0x20 && c < 0x7f ? fmt::format("{} does not belong here", static_cast<char>(c))
                                                    : fmt::format("the byte 0x{:02x} does not belong here", c));
        }
        advance(1);
    }

    sources& all_;
    std::string_view text_;
    std::size_t here_ = 0;
    place at_;
    std::vector<token> tokens_;
};

}  // namespace

std::string quoted(std::string_view text) {
    return text.size() > 40 ? fmt::format("“{}…”", text.substr(0, 37)) : fmt::format("“{}”", text);
}

std::string token::shown() const {
    return what == kind::end ? text : quoted(text);
}

std::chrono::nanoseconds nanoseconds_of(double seconds) {
    constexpr double most = 9.2e9;
    if (!(seconds > -most)) return std::chrono::nanoseconds(seconds == seconds ? -9'200'000'000'000'000'000 : 0);
    if (seconds > most) return std::chrono::nanoseconds(9'200'000'000'000'000'000);
    const auto whole = static_cast<std::int64_t>(seconds);
    const auto rest = (seconds - static_cast<double>(whole)) * 1e9;
    return std::chrono::nanoseconds(whole * 1'000'000'000 + static_cast<std::int64_t>(rest + (rest < 0 ? -0.5 : 0.5)));
}

double duration_unit(std::string_view unit) {
    static constexpr std::array<std::pair<std::string_view, double>, 7> units{
        {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}, {"y", 31536000}}};
    for (const auto& [name, seconds] : units) {
        if (name == unit) return seconds;
    }
    return 0;
}

double bytes_unit(std::string_view unit) {
    static constexpr std::array<std::string_view, 5> units{"b", "kb", "mb", "gb", "tb"};
    std::string lower(unit);
    for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    double factor = 1;
    for (const auto name : units) {
        if (name == lower) return factor;
        factor *= 1024;
    }
    return 0;
}

std::vector<token> tokenize(sources& all, std::uint32_t which) {
    return lexer(all, which).run();
}

}  // namespace badorigin::cache::vcl
