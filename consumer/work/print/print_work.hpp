#pragma once

#include "output.hpp"
#include "text_block.hpp"
#include "work.hpp"

namespace drainpipe {

// Prints each payload as a line. A burst of them is kept and leaves in one write.
class PrintWork final : public Work {
  public:
    explicit PrintWork(Output& output) : output_(output) {}

    Ends ends() const override { return Ends::at_once; }
    std::size_t start(std::span<const Event> events) override;
    // Throws Failure(io) when the output is broken.
    void advance(Outcomes& outcomes) override;

  private:
    static constexpr std::size_t kFlushBytes = 128 * 1024;

    Output& output_;
    TextBlock lines_{32 * 1024};  // what a thousand events take as a rule
};

}  // namespace drainpipe
