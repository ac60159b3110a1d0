#pragma once

#include <cstdint>
#include <vector>

#include "output.hpp"
#include "text_block.hpp"
#include "work.hpp"

namespace drainpipe {

// Prints each payload as a line. A burst of them is kept and leaves in one write.
class PrintWork final : public Work {
  public:
    // Where it ends later, each event's outcome is told: for a consumer that does more between two
    // events than to print them.
    explicit PrintWork(Output& output, Ends ends = Ends::at_once) : output_(output), ends_(ends) {}

    Ends ends() const override { return ends_; }
    std::size_t start(std::span<const Event> events) override;
    // Throws Failure(io) when the output is broken.
    void advance(Outcomes& outcomes) override;

  private:
    static constexpr std::size_t kFlushBytes = 128 * 1024;

    Output& output_;
    Ends ends_;
    std::vector<std::uint64_t> started_;  // where outcomes are told
    TextBlock lines_{32 * 1024};          // what a thousand events take as a rule
};

}  // namespace drainpipe
