#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace drainpipe {

// Which of a consumer's records of events are written: all, none, or so many a second that those of
// all consumers together are what was asked for. Counts what is left out.
// Pure: it is told the time.
class RecordLimit {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::int64_t kAll = -1;

    // `per_second` records of `consumers` consumers together; kAll, or 0 for none.
    RecordLimit(std::int64_t per_second, std::uint32_t consumers)
        : per_second_(per_second),
          interval_(per_second > 0
                        ? std::chrono::nanoseconds(std::chrono::seconds(consumers)) / per_second
                        : std::chrono::nanoseconds::zero()) {}

    bool is_unlimited() const { return per_second_ == kAll; }
    bool is_off() const { return per_second_ == 0; }
    void leave_out(std::uint64_t events) { left_out_ += events; }

    // Whether the next event gets a record. One that had none for a while may have a second's worth
    // at once.
    bool takes(Clock::time_point now) {
        next_ = std::max(next_, now - std::chrono::seconds(1));
        if (per_second_ == 0 || next_ > now) {
            ++left_out_;
            return false;
        }
        next_ += interval_;
        return true;
    }

    std::uint64_t left_out() const { return left_out_; }
    std::uint64_t take_left_out() { return std::exchange(left_out_, 0); }

  private:
    std::int64_t per_second_;
    std::chrono::nanoseconds interval_;
    Clock::time_point next_{};
    std::uint64_t left_out_ = 0;
};

}  // namespace drainpipe
