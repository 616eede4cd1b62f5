// The field lines of a header or trailer section: their text in one block, so that a message costs two allocations however many it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/anomaly.h"
#include "http/grammar.h"

namespace badorigin::http {

/// A field line. The name keeps its case; the value is without surrounding white space, folds joined by one blank. Views into its `fields`,
/// valid until these change.
struct field {
    std::string_view name;
    std::string_view value;
    stream_offset offset = 0;  ///< of the first byte of the name
    friend bool operator==(const field&, const field&) = default;
};

/// Case-insensitive comparison of ASCII names (RFC 9110 5.1).
bool same_name(std::string_view a, std::string_view b);

class fields {
    struct line {
        std::uint32_t at = 0, name = 0, value = 0;  // where in the text; sizes, the value behind the name
        std::uint32_t sort = 0;
        stream_offset offset = 0;
    };

public:
    fields() = default;
    fields(std::initializer_list<field> all) {
        for (const field& f : all) push_back(f);
    }

    void push_back(const field& f);
    /// Behind the last value: a folded line.
    void append(std::string_view more) {
        text_ += more;
        lines_.back().value += static_cast<std::uint32_t>(more.size());
    }

    bool empty() const { return lines_.empty(); }
    std::size_t size() const { return lines_.size(); }
    field operator[](std::size_t n) const { return at(lines_[n]); }
    field back() const { return at(lines_.back()); }

    /// Empty, with the memory that it has.
    void clear() {
        text_.clear();
        lines_.clear();
        sorts_ = 0;
    }

    /// The index of the next of that name (RFC 9110 5.1: in any case) from `from` on; size() where there is none.
    std::size_t find(std::string_view name, std::size_t from = 0) const {
        const std::uint32_t sort = sort_of(name);
        return (sorts_ & bit_of(sort)) == 0 ? lines_.size() : find(name, sort, from);
    }

    class iterator {
    public:
        using iterator_concept = std::forward_iterator_tag;
        using iterator_category = std::input_iterator_tag;
        using value_type = field;
        using difference_type = std::ptrdiff_t;
        using reference = field;
        using pointer = void;

        iterator() = default;
        field operator*() const { return (*of_)[n_]; }
        iterator& operator++() {
            ++n_;
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++n_;
            return before;
        }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        friend class fields;
        iterator(const fields* of, std::size_t n) : of_(of), n_(n) {}
        const fields* of_ = nullptr;
        std::size_t n_ = 0;
    };
    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, lines_.size()}; }

private:
    field at(const line& l) const {
        const std::string_view text = text_;
        return {text.substr(l.at, l.name), text.substr(l.at + l.name, l.value), l.offset};
    }
    /// Equal for names that are the same, and for few others.
    static constexpr std::uint32_t sort_of(std::string_view name) {
        if (name.empty()) return 0;
        const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(to_lower(name[at]))); };
        return static_cast<std::uint32_t>(name.size()) * 0x9e3779b1u ^ byte(0) * 0x85ebca6bu ^ byte(name.size() / 2) * 0xc2b2ae35u ^
               byte(name.size() - 1) * 0x27d4eb2fu;
    }
    static constexpr std::uint64_t bit_of(std::uint32_t sort) { return std::uint64_t{1} << (sort >> 26); }
    std::size_t find(std::string_view name, std::uint32_t sort, std::size_t from) const;

    std::string text_;
    std::vector<line> lines_;
    std::uint64_t sorts_ = 0;  // a bit for each sort of name that occurs: most questions are for what is not there
};

/// The first value of that name, or nothing.
inline std::optional<std::string_view> first(const fields& all, std::string_view name) {
    const std::size_t at = all.find(name);
    return at < all.size() ? std::optional(all[at].value) : std::nullopt;
}

}  // namespace badorigin::http
