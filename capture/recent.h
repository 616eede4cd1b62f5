// A map that forgets what was not used for long, so that what is remembered of a long capture has a bound.
//
// Two generations: entries are added to the young one and are taken over into it when they are found in the old one. When the young one is
// full, it becomes the old one, and what was old is gone. So at least the last `Most` / 2 that were used are known, for two look-ups each.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

namespace badorigin::capture {

template <class Key, class Value, std::size_t Most = std::size_t{1} << 17>
class recent {
public:
    /// Null: not known, or not any more.
    Value* find(const Key& key) {
        if (const auto at = young_.find(key); at != young_.end()) return &at->second;
        auto used = old_.extract(key);
        return used.empty() ? nullptr : &keep(used.key(), std::move(used.mapped()));
    }
    /// The value under the key, put there where there was none.
    std::pair<Value*, bool> try_emplace(const Key& key, Value value) {
        if (auto* known = find(key)) return {known, false};
        return {&keep(key, std::move(value)), true};
    }
    void clear() {
        young_.clear();
        old_.clear();
    }
    std::size_t size() const { return young_.size() + old_.size(); }

private:
    Value& keep(const Key& key, Value value) {
        if (young_.size() >= Most / 2) {
            old_ = std::move(young_);
            young_.clear();
        }
        return young_.insert_or_assign(key, std::move(value)).first->second;
    }
    std::unordered_map<Key, Value> young_, old_;
};

}  // namespace badorigin::capture
