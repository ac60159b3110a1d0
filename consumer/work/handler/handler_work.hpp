#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "drainpipe/consumer.hpp"
#include "line_output.hpp"
#include "text_block.hpp"
#include "work.hpp"

namespace drainpipe {

// Calls a user's function with each event, or with batches of them, which says what became of them.
class HandlerWork final : public Work {
  public:
    // Where it ends later, it is for a consumer that does more between two events than to call it.
    HandlerWork(Handler handler, LineOutput& output, Ends ends = Ends::in_turn)
        : handler_(std::move(handler)), output_(output), ends_(ends) {}
    HandlerWork(BatchHandler handler, std::size_t most, LineOutput& output,
                Ends ends = Ends::in_turn)
        : batch_handler_(std::move(handler)), most_(most), output_(output), ends_(ends) {}

    Ends ends() const override { return ends_; }
    std::size_t most_in_batch() const override { return most_; }
    Outcome handle(Batch events) override;
    // What was handled and not told yet is logged and committed before the next one begins.
    std::size_t room() const override { return handled_.empty() ? 1 : 0; }
    std::size_t start(std::span<const Event> events) override;
    // Throws Failure(io) when the output is broken.
    void advance(Outcomes& outcomes) override;

  private:
    Handler handler_;  // or the other one
    BatchHandler batch_handler_;
    std::size_t most_ = 1;
    LineOutput& output_;
    Ends ends_;
    std::vector<std::pair<std::uint64_t, Outcome>> handled_;  // and not told
    TextBlock lines_{4 * 1024};
};

}  // namespace drainpipe
