#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace drainpipe {

// Events by their keys: a hash table with open addressing, for millions of changes a second. 0 is
// no key: nothing is found under it.
class KeyIndex {
  public:
    std::optional<std::uint64_t> find(std::uint64_t key) const;
    // Replaces the event that the key had. Requires that the key is not 0.
    void put(std::uint64_t key, std::uint64_t event);
    // Does nothing unless the key stands for that event.
    void erase(std::uint64_t key, std::uint64_t event);

    std::size_t size() const { return size_; }

  private:
    struct Entry {
        std::uint64_t key = 0;  // none
        std::uint64_t event = 0;
    };

    std::size_t home_of(std::uint64_t key) const;
    std::size_t after(std::size_t place) const { return (place + 1) & (entries_.size() - 1); }
    // Where the key is, or is to be.
    std::size_t place_of(std::uint64_t key) const;
    void grow();

    // A power of two of them, at least half of them empty. An entry lies between its home and the
    // first empty place behind that.
    std::vector<Entry> entries_{1024};
    std::size_t size_ = 0;
};

}  // namespace drainpipe
