#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "word.hpp"

namespace drainpipe {

// How many events a segment had taken in and done, and when: what rates and ages are told from, so
// that no event needs a time stamp. The launcher appends a sample each second; whoever looks reads
// beside it, without a lock.
//
// There are rings of samples: the first one has each of them, the next one every second, the third
// every fourth. So days fit into a few pages, and what is known of a time is as exact as a share of
// its age: to a second for a quarter of an hour, to 1/500 of it later on. A run that is recovered
// goes on with what the earlier one has noted.
class History {
  public:
    struct Sample {
        std::int64_t at;         // monotonic clock, in ns
        std::uint64_t accepted;  // since the segment was made
        std::uint64_t done;      // the same
    };

    static constexpr std::size_t kRings = 10;
    static constexpr std::size_t kSamples = 1024;  // of each; a power of two

    // Requires that no other process appends.
    void append(const Sample& sample);

    std::optional<Sample> latest() const;

    // The latest sample that is at least so old at the time `now`, in ns; else the first one.
    std::optional<Sample> before(std::int64_t now, std::int64_t age) const;

    // When the event was accepted, counted from 0, as far as is known at the time `now`: between
    // two samples it is taken to have come at an even pace, but where none was taken for longer, as
    // between two runs, at the beginning of that. Requires that it is accepted; `accepted` is how
    // many are.
    std::int64_t accepted_at(std::uint64_t event, std::int64_t now, std::uint64_t accepted) const;

  private:
    class Ring {
      public:
        std::uint64_t count() const { return count_.load(); }
        void append(const Sample& sample);
        // The last of the samples that `is` is true of, which is so of a first part of them.
        template <typename Is>
        std::optional<Sample> last(Is is) const;
        // The first one that it is not true of.
        template <typename Is>
        std::optional<Sample> first_not(Is is) const;

      private:
        struct Slot {
            Part<std::int64_t> at;
            Part<std::uint64_t> accepted;
            Part<std::uint64_t> done;
        };
        // How many of the samples that are there `is` is true of, counted from the oldest one,
        // whose number is `oldest`.
        template <typename Is>
        std::uint64_t partition_point(std::uint64_t oldest, std::uint64_t count, Is is) const;
        Sample at(std::uint64_t number) const;
        // Samples that the writer is not about to overwrite.
        static std::uint64_t oldest_of(std::uint64_t count) {
            return count < kSamples ? 0 : count - kSamples + 1;
        }

        Word<std::uint64_t> count_;  // ever appended
        std::array<Slot, kSamples> slots_;
    };

    // With how far it is from the next one at most, in ns, while samples are taken.
    struct Found {
        Sample sample;
        std::int64_t interval;
    };
    template <typename Is>
    std::optional<Found> last(Is is) const;
    template <typename Is>
    std::optional<Sample> first_not(Is is) const;

    std::array<Ring, kRings> rings_;
};

static_assert(sizeof(History) == History::kRings * (8 + 24 * History::kSamples));

}  // namespace drainpipe
