#pragma once

#include <cstdint>

namespace drainpipe {

// How much a consumer asks for and when: GenStage's automatic mode, as arithmetic alone.
//
// The consumer asks for `max` once. It handles each delivery in chunks of at most max - min events;
// after a chunk it has that many fewer pending, and when min or fewer are left it asks for what is
// missing to max, before the next chunk. So asked minus handled never exceeds max, and every ask
// but that of a successor, which asks for what is missing to max, lies in [max - min, max].
//
// Rule: GenStage, GenStage.Utils.split_batches (https://hexdocs.pm/gen_stage).
class DemandWindow {
  public:
    // Throws std::invalid_argument, with the values, unless 0 <= min < max.
    DemandWindow(std::int64_t max, std::int64_t min);

    // The first ask, when `pending` events were asked for already and are not handled: by a
    // consumer whose place this one takes.
    std::uint64_t first_ask(std::uint64_t pending);

    // The most events to handle in one chunk.
    std::uint64_t chunk_limit() const { return max_ - min_; }

    // `count` events were handled; returns how many to ask for now, or 0.
    std::uint64_t handled(std::uint64_t count);

  private:
    std::uint64_t max_;
    std::uint64_t min_;
    std::uint64_t pending_ = 0;
};

}  // namespace drainpipe
