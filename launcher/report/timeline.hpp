#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "log_record.hpp"

namespace drainpipe {

// What is counted of each process over time.
enum class Count { processed, emptied, drained, failed, dead, deaths, starts, warnings };
constexpr std::size_t kCounts = 8;
using Counts = std::array<std::uint64_t, kCounts>;

// How many events of that are done: processed, emptied and drained.
std::uint64_t done_in(const Counts& counts);
// The same with those that were given up.
std::uint64_t settled_in(const Counts& counts);

// How often what happened when, in at most kBuckets buckets of equal width however long it goes on:
// where time outgrows them, each two become one.
class Timeline {
  public:
    static constexpr std::size_t kBuckets = 600;

    explicit Timeline(Microseconds begin) : begin_(begin) {}

    // Lane 0 is the producer's, lane n consumer n's. What is older than the beginning counts there.
    void add(Microseconds time, std::size_t lane, Count what, std::uint64_t count = 1);
    // The same, spread evenly from `since` to `time`.
    void spread(Microseconds since, Microseconds time, std::size_t lane, Count what,
                std::uint64_t count);
    // That an event of this id was there.
    void see_id(Microseconds time, std::uint64_t id);

    Microseconds begin() const { return begin_; }
    Microseconds width() const { return width_; }
    // Buckets up to the last one with anything in it.
    std::size_t size() const { return highest_id_.size(); }
    std::size_t lanes() const { return lanes_.size(); }
    const Counts& counts(std::size_t lane, std::size_t bucket) const;
    // The highest id seen in that bucket; 0 if none was.
    std::uint64_t highest_id(std::size_t bucket) const { return highest_id_[bucket]; }

  private:
    std::size_t bucket_at(Microseconds time);
    Counts& counts_at(std::size_t lane, std::size_t bucket);
    void double_width();

    Microseconds begin_;
    Microseconds width_ = 100;
    std::vector<std::uint64_t> highest_id_;
    std::vector<std::vector<Counts>> lanes_;  // each as long as it was used
};

}  // namespace drainpipe
