#pragma once

#include <cstdint>

#include "fault_point.hpp"
#include "mark.hpp"
#include "pieces.hpp"

namespace drainpipe {

// The marks of a segment, by event. Ranges are [first, last), first <= last, of at most as many
// events as there are marks.
class Marks {
  public:
    // `slots` marks, a power of two, that outlive this object.
    Marks(Mark* marks, std::uint64_t slots) : marks_(marks), mask_(slots - 1) {}

    Mark at(std::uint64_t event) const { return marks_[event & mask_]; }

    void set(std::uint64_t event, Mark mark, FaultPoint point = FaultPoint::here()) const {
        point.reached();
        marks_[event & mask_] = mark;
        point.reached();
    }
    void fill(std::uint64_t first, std::uint64_t last, Mark mark,
              FaultPoint point = FaultPoint::here()) const {
        if (last - first == 1) {
            set(first, mark, point);
        } else {
            fill_many(first, last, mark, point);
        }
    }

    // The first event of the range that has the mark; `last` where none has.
    std::uint64_t find(std::uint64_t first, std::uint64_t last, Mark mark) const {
        return first < last && at(first) == mark ? first : find_behind(first, last, mark);
    }
    // The first event of the range that does not have it; `last` where all have.
    std::uint64_t end_of_run(std::uint64_t first, std::uint64_t last, Mark mark) const {
        if (first == last || at(first) != mark) {
            return first;
        }
        return first + 1 == last ? last : end_of_run_behind(first + 1, last, mark);
    }

    // How many events of the range have a mark that `is` is true of.
    template <typename Is>
    std::uint64_t count(std::uint64_t first, std::uint64_t last, Is is) const {
        std::uint64_t count = 0;
        for (const Piece& piece : Pieces(first, last, mask_)) {
            const Mark* const marks = marks_ + piece.place;
            count += count_places(piece.count, [&](std::uint64_t at) { return is(marks[at]); });
        }
        return count;
    }
    std::uint64_t count_undone(std::uint64_t first, std::uint64_t last) const {
        return count(first, last, [](Mark mark) { return !mark.is_done(); });
    }

  private:
    void fill_many(std::uint64_t first, std::uint64_t last, Mark mark, FaultPoint point) const;
    std::uint64_t find_behind(std::uint64_t first, std::uint64_t last, Mark mark) const;
    std::uint64_t end_of_run_behind(std::uint64_t first, std::uint64_t last, Mark mark) const;

    Mark* marks_;
    std::uint64_t mask_;
};

}  // namespace drainpipe
