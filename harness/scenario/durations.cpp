#include "harness/scenario/durations.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace badorigin::scenario {

namespace {

struct unit {
    std::string_view name;
    std::int64_t size;
};
constexpr std::array<unit, 7> units{{{"d", 86'400'000'000'000},
                                     {"h", 3'600'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"s", 1'000'000'000},
                                     {"ms", 1'000'000},
                                     {"us", 1'000},
                                     {"ns", 1}}};

bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool in_name(char c) {
    return letter(c) || digit(c) || c == '-' || c == '.';
}
bool blank(char c) {
    return c == ' ' || c == '\t';
}

/// "1.5" as 15 over 10; nothing when it has no digits or more than fit.
struct decimal {
    std::int64_t value = 0, scale = 1;
};

std::optional<decimal> take_decimal(std::string_view& text) {
    decimal out;
    std::size_t i = 0;
    const auto push = [&] {
        return !__builtin_mul_overflow(out.value, 10, &out.value) && !__builtin_add_overflow(out.value, text[i] - '0', &out.value);
    };
    for (; i < text.size() && digit(text[i]); ++i) {
        if (!push()) return std::nullopt;
    }
    if (i == 0) return std::nullopt;
    if (i + 1 < text.size() && text[i] == '.' && digit(text[i + 1])) {
        for (++i; i < text.size() && digit(text[i]); ++i) {
            if (out.scale >= 1'000'000 || !push()) return std::nullopt;
            out.scale *= 10;
        }
    }
    text.remove_prefix(i);
    return out;
}

/// value * size / scale, exact, within the longest duration; nothing otherwise.
std::optional<nanoseconds> scaled(decimal number, std::int64_t size) {
    for (; number.scale > 1 && size % 10 == 0; number.scale /= 10) size /= 10;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(number.value, size, &product) || product % number.scale != 0) return std::nullopt;
    product /= number.scale;
    return product <= longest_duration.count() ? std::optional{nanoseconds{product}} : std::nullopt;
}

/// The words of an expression, one after another.
class term_reader {
public:
    explicit term_reader(std::string_view text) : rest_(text) { skip(); }
    bool done() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }
    bool take(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        skip();
        return true;
    }
    /// A name, a duration, or a bare number: everything up to a blank or an operator.
    std::string_view word() {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), in_name);
        const auto size = static_cast<std::size_t>(end - rest_.begin());
        const auto out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        skip();
        return out;
    }

private:
    void skip() {
        while (!rest_.empty() && blank(rest_.front())) rest_.remove_prefix(1);
    }
    std::string_view rest_;
};

std::optional<decimal> whole_decimal(std::string_view word) {
    const auto number = take_decimal(word);
    return number && word.empty() ? number : std::nullopt;
}

class sum_reader {
public:
    sum_reader(std::string_view text, const std::map<std::string, nanoseconds>& promises, const std::vector<std::string>& steps)
        : terms_(text), promises_(promises), steps_(steps) {}

    std::expected<evaluated, expression_error> read() {
        if (terms_.done()) return failed("expected a duration, found nothing");
        bool minus = terms_.take('-');
        while (true) {
            if (auto wrong = term(minus)) return std::unexpected(*wrong);
            if (terms_.done()) return out_;
            if (terms_.take('+')) {
                minus = false;
            } else if (terms_.take('-')) {
                minus = true;
            } else {
                return failed(fmt::format("expected + or - before '{}'", terms_.rest()));
            }
        }
    }

private:
    static std::unexpected<expression_error> failed(std::string message) {
        return std::unexpected(expression_error{std::move(message), {}});
    }

    std::optional<expression_error> term(bool minus) {
        const auto word = terms_.word();
        if (word.empty()) {
            return expression_error{terms_.done() ? "expected a duration or a name at the end"
                                                  : fmt::format("expected a duration or a name before '{}'", terms_.rest()),
                                    {}};
        }
        auto factor = whole_decimal(word);
        if (!factor) return value(word, {1, 1}, minus, digit(word.front()));
        if (terms_.take('*')) {
            const auto what = terms_.word();
            if (what.empty()) return expression_error{"expected a duration or a name behind *", {}};
            return value(what, *factor, minus, digit(what.front()));
        }
        if (factor->value == 0) return std::nullopt;
        return expression_error{fmt::format("'{}' has no unit; write {}s, {}ms, {}m, …", word, word, word, word), {}};
    }

    std::optional<expression_error> value(std::string_view word, decimal factor, bool minus, bool literal) {
        nanoseconds base{0};
        if (literal) {
            const auto parsed = parse_duration(word);
            if (!parsed)
                return expression_error{fmt::format("'{}' is no duration; durations are written 30s, 1m30s, 1.5s, 200ms, 2h", word), {}};
            base = *parsed;
        } else if (const auto promise = promises_.find(std::string{word}); promise != promises_.end()) {
            base = promise->second;
        } else if (std::ranges::find(steps_, word) != steps_.end()) {
            if (!out_.step.empty())
                return expression_error{fmt::format("names two steps, '{}' and '{}'; an instant follows from one", out_.step, word), {}};
            if (minus || factor.value != 1 || factor.scale != 1)
                return expression_error{fmt::format("step '{}' can only be added", word), {}};
            out_.step = word;
            return std::nullopt;
        } else {
            return unknown(word);
        }
        const auto product = scaled(factor, base.count());
        std::int64_t sum = out_.offset.count();
        if (!product || __builtin_add_overflow(sum, minus ? -product->count() : product->count(), &sum) || sum > longest_duration.count() ||
            sum < -longest_duration.count()) {
            return expression_error{"the duration is longer than a hundred years, or not a whole number of nanoseconds", {}};
        }
        out_.offset = nanoseconds{sum};
        if (literal) out_.longest_literal = std::max(out_.longest_literal, *product);
        return std::nullopt;
    }

    expression_error unknown(std::string_view word) const {
        std::vector<std::string> candidates = steps_;
        for (const auto& [name, value] : promises_) candidates.push_back(name);
        auto message = fmt::format("unknown name '{}'", word);
        const auto dash = word.find('-');
        if (const auto near = near_miss(word, candidates); !near.empty()) {
            message += fmt::format("; did you mean '{}'?", near);
        } else if (dash != std::string_view::npos && std::ranges::find(candidates, word.substr(0, dash)) != candidates.end()) {
            message += "; a minus needs a blank before and behind it";
        } else if (candidates.empty()) {
            message += "; no promises are given";
        } else {
            message += fmt::format("; known are {}", fmt::join(candidates, ", "));
        }
        return {std::move(message), std::string{word}};
    }

    term_reader terms_;
    const std::map<std::string, nanoseconds>& promises_;
    const std::vector<std::string>& steps_;
    evaluated out_;
};

}  // namespace

std::optional<nanoseconds> parse_duration(std::string_view text) {
    if (text == "0") return nanoseconds{0};
    if (text.empty()) return std::nullopt;
    std::int64_t sum = 0;
    auto smallest = units.begin();  // units are written from long to short, each once
    while (!text.empty()) {
        const auto number = take_decimal(text);
        if (!number) return std::nullopt;
        const auto end = static_cast<std::size_t>(std::ranges::find_if(text, [](char c) { return !letter(c); }) - text.begin());
        const auto found = std::find_if(smallest, units.end(), [&](const unit& u) { return u.name == text.substr(0, end); });
        if (found == units.end()) return std::nullopt;
        const auto part = scaled(*number, found->size);
        if (!part || __builtin_add_overflow(sum, part->count(), &sum) || sum > longest_duration.count()) return std::nullopt;
        smallest = found + 1;
        text.remove_prefix(end);
    }
    return nanoseconds{sum};
}

std::string format_duration(nanoseconds value) {
    if (value.count() < 0) return "-" + format_duration(nanoseconds{-std::max(value.count(), -INT64_MAX)});
    const auto seconds = value.count() / 1'000'000'000;
    const auto rest = value.count() % 1'000'000'000;
    if (rest == 0) return fmt::format("{}s", seconds);
    if (rest % 1'000'000 == 0) {
        if (seconds == 0) return fmt::format("{}ms", rest / 1'000'000);
        auto text = fmt::format("{}.{:03}", seconds, rest / 1'000'000);
        text.erase(text.find_last_not_of('0') + 1);
        return text + "s";
    }
    const auto whole = seconds == 0 ? std::string{} : fmt::format("{}s", seconds);
    return rest % 1'000 == 0 ? fmt::format("{}{}us", whole, rest / 1'000) : fmt::format("{}{}ns", whole, rest);
}

bool is_name(std::string_view text, bool dots) {
    return !text.empty() && letter(text.front()) && text.size() <= 100 &&
           std::ranges::all_of(text, [&](char c) { return in_name(c) && (dots || c != '.'); });
}

std::expected<evaluated, expression_error> evaluate(std::string_view text, const std::map<std::string, nanoseconds>& promises,
                                                    const std::vector<std::string>& steps) {
    return sum_reader{text, promises, steps}.read();
}

}  // namespace badorigin::scenario
