#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "drainpipe/consumer.hpp"
#include "line_output.hpp"
#include "text_block.hpp"
#include "work.hpp"

namespace drainpipe {

// Calls a user's function with each event, which says what became of it.
class HandlerWork final : public Work {
  public:
    // Where it ends later, it is for a consumer that does more between two events than to call it.
    HandlerWork(Handler handler, LineOutput& output, Ends ends = Ends::in_turn)
        : handler_(std::move(handler)), output_(output), ends_(ends) {}

    Ends ends() const override { return ends_; }
    Outcome handle(const Event& event) override;
    // What was handled and not told yet is logged and committed before the next one begins.
    std::size_t room() const override { return handled_.empty() ? 1 : 0; }
    std::size_t start(std::span<const Event> events) override;
    // Throws Failure(io) when the output is broken.
    void advance(Outcomes& outcomes) override;

  private:
    Handler handler_;
    LineOutput& output_;
    Ends ends_;
    std::vector<std::pair<std::uint64_t, Outcome>> handled_;  // and not told
    TextBlock lines_{4 * 1024};
};

}  // namespace drainpipe
