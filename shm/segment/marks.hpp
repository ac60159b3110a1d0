#pragma once

#include <cstdint>

#include "mark.hpp"
#include "shared_bytes.hpp"

namespace drainpipe {

// The marks of a segment, by event: shared_bytes.hpp says who may read and write them how. Ranges
// are [first, last), first <= last, of at most as many events as there are marks.
class Marks {
  public:
    explicit Marks(SharedBytes bytes) : bytes_(bytes) {}

    Mark at(std::uint64_t event) const { return Mark::of_byte(bytes_.load(event)); }

    void set(std::uint64_t event, Mark mark, FaultPoint point = FaultPoint::here()) const {
        bytes_.store(event, mark.byte(), point);
    }
    void fill(std::uint64_t first, std::uint64_t last, Mark mark,
              FaultPoint point = FaultPoint::here()) const {
        bytes_.fill(first, last, mark.byte(), point);
    }

    // The first event of the range that has the mark; `last` where none has.
    std::uint64_t find(std::uint64_t first, std::uint64_t last, Mark mark) const {
        return bytes_.find(first, last, mark.byte());
    }
    // The first event of the range that does not have it; `last` where all have.
    std::uint64_t end_of_run(std::uint64_t first, std::uint64_t last, Mark mark) const {
        return bytes_.end_of_run(first, last, mark.byte());
    }

    // How many events of the range have a mark that `is` is true of.
    template <typename Is>
    std::uint64_t count(std::uint64_t first, std::uint64_t last, Is is) const {
        return bytes_.count(first, last,
                            [&](std::uint8_t byte) { return is(Mark::of_byte(byte)); });
    }
    std::uint64_t count_undone(std::uint64_t first, std::uint64_t last) const {
        return count(first, last, [](Mark mark) { return !mark.is_done(); });
    }

  private:
    SharedBytes bytes_;
};

}  // namespace drainpipe
