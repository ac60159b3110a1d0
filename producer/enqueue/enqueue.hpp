#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "descriptor.hpp"
#include "failure.hpp"
#include "payload_source.hpp"
#include "progress_bar.hpp"
#include "wire.hpp"

namespace drainpipe {

// Sends payloads to an intake and hears how many of them got into the ring. Needs the same memory
// for any number of them.
class Enqueue {
  public:
    using Clock = std::chrono::steady_clock;

    // How long the exact count is waited for after a signal or the deadline: in a full ring that
    // is never emptied never comes.
    static constexpr std::chrono::seconds kFarewell{1};

    // `connection` and `signals` don't block; a signal or the deadline ends the sending, at a whole
    // payload.
    Enqueue(Descriptor connection, Descriptor signals, PayloadSource& source,
            Clock::time_point deadline);

    struct Result {
        std::uint64_t accepted;
        ExitCode code;
        std::string complaint;  // empty when all is well
    };

    // Sends everything, or what it can.
    Result run();

  private:
    void wait() const;
    void send_some();
    void fill();
    void hear();
    void hear_line(const std::string& line);
    void heed_signal();
    void heed_time();
    void stop_sending();
    void finish_sending();
    Result result() const;

    Descriptor connection_;
    Descriptor signals_;
    PayloadSource& source_;
    ProgressBar progress_;
    std::string unsent_;
    std::size_t sent_ = 0;  // of unsent_
    std::string unheard_;
    bool has_more_ = true;
    bool is_finished_ = false;  // nothing more will be sent
    bool is_broken_ = false;
    Clock::time_point deadline_;
    bool was_cut_short_ = false;  // by a signal or the deadline, before all was sent
    bool is_late_ = false;        // the deadline has passed
    Clock::time_point give_up_at_ = Clock::time_point::max();  // waiting for the exact count
    int signal_ = 0;
    std::uint64_t accepted_ = 0;
    std::string refusal_;  // the first one
    std::string source_failure_;
    bool is_closed_ = false;
    wire::Reason reason_ = wire::Reason::end;
};

}  // namespace drainpipe
