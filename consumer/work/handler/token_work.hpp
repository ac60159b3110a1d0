#pragma once

#include <cstddef>
#include <memory>

#include "drainpipe/consumer.hpp"
#include "line_output.hpp"
#include "text_block.hpp"
#include "work.hpp"

namespace drainpipe {

class SettledEvents;

// Calls a user's function with a token for each event, which is settled later, from any thread.
class TokenWork final : public Work {
  public:
    // At most `window` tokens are out at a time. What `payloads` owns, where they are read, lives
    // as long as any token.
    TokenWork(AsyncHandler handler, std::size_t window, LineOutput& output,
              std::shared_ptr<const void> payloads = nullptr);
    // Tokens that are still out settle nothing from now on.
    ~TokenWork() override;

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override { return window_ - out_; }
    std::size_t start(std::span<const Event> events) override;
    // Throws Failure(io) when the output is broken.
    void advance(Outcomes& outcomes) override;
    int wait_fd() const override;

  private:
    void start_one(const Event& event);

    AsyncHandler handler_;
    std::size_t window_;
    LineOutput& output_;
    std::size_t out_ = 0;
    std::shared_ptr<SettledEvents> settled_;  // shared with the tokens
    TextBlock lines_{4 * 1024};
};

}  // namespace drainpipe
