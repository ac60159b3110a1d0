#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "descriptor.hpp"

namespace drainpipe {

// Ends the launcher where a stop can't: when it is held up in the kernel, say by a log on a disk
// that does not answer, and does not see the stop request, or is still there some time after the
// deadline. Exit code 124; stages that are left end by themselves, as when a launcher is killed.
class Watchdog {
  public:
    using Clock = std::chrono::steady_clock;

    // What a stop that is not held up may need beyond its deadline, in time in which the launcher
    // runs: to kill, and to give the account.
    static constexpr std::chrono::seconds kBeyondDeadline{2};

    // Requires that the signals of a stop request are blocked. A request that is pending and that
    // no process takes counts as one with this grace time.
    explicit Watchdog(std::chrono::microseconds grace);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    // The stop request was seen, and this is its deadline.
    void arm(Clock::time_point deadline);

  private:
    // A pending request is looked at again after this; what is counted is looks, for time in which
    // nothing ran does not count.
    static constexpr std::chrono::milliseconds kPollInterval{100};

    void watch();
    // Until the launcher has seen one.
    void await_request() const;
    void wake() const;

    const std::chrono::microseconds grace_;
    Descriptor requests_;  // pending ones; never read
    Descriptor wake_;
    std::atomic<std::int64_t> deadline_{0};  // of the clock, in ns; 0 before a stop
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

}  // namespace drainpipe
