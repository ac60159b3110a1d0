#include "key_index.hpp"

#include <bit>
#include <cassert>
#include <utility>

namespace drainpipe {

// By the high bits of a product: keys may be numbers that follow each other, or multiples of one.
std::size_t KeyIndex::home_of(std::uint64_t key) const {
    constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
    return (key * kGoldenRatio) >> (64 - std::countr_zero(entries_.size()));
}

std::size_t KeyIndex::place_of(std::uint64_t key) const {
    std::size_t place = home_of(key);
    while (entries_[place].key != 0 && entries_[place].key != key) {
        place = after(place);
    }
    return place;
}

std::optional<std::uint64_t> KeyIndex::find(std::uint64_t key) const {
    const Entry& entry = entries_[place_of(key)];
    return key != 0 && entry.key == key ? std::optional(entry.event) : std::nullopt;
}

void KeyIndex::put(std::uint64_t key, std::uint64_t event) {
    assert(key != 0);
    if (2 * (size_ + 1) > entries_.size()) {
        grow();
    }
    Entry& entry = entries_[place_of(key)];
    size_ += entry.key == 0 ? 1 : 0;
    entry = {key, event};
}

void KeyIndex::erase(std::uint64_t key, std::uint64_t event) {
    std::size_t hole = place_of(key);
    if (key == 0 || entries_[hole].key != key || entries_[hole].event != event) {
        return;
    }
    --size_;
    // Those behind it move up, as far as they don't come before their homes.
    for (std::size_t place = after(hole); entries_[place].key != 0; place = after(place)) {
        const std::size_t mask = entries_.size() - 1;
        const std::size_t from_home = (place - home_of(entries_[place].key)) & mask;
        if (from_home >= ((place - hole) & mask)) {
            entries_[hole] = entries_[place];
            hole = place;
        }
    }
    entries_[hole] = {};
}

void KeyIndex::grow() {
    const std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(2 * entries_.size()));
    for (const Entry& entry : old) {
        if (entry.key != 0) {
            entries_[place_of(entry.key)] = entry;
        }
    }
}

}  // namespace drainpipe
