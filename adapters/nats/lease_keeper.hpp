#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "drainpipe/source.hpp"
#include "handles.hpp"
#include "pull_consumer.hpp"
#include "settler.hpp"

namespace drainpipe::nats {

// Keeps away that messages that are held here are delivered to others: every quarter of the
// consumer's AckWait it says that all of them are in progress, and gives the ring a lease that ends
// earlier than the AckWait of any of them.
//
// The invariant: whatever is held was delivered, or last said to be in progress and confirmed, at a
// time that is not earlier than the lease's end less AckWait. A message is put in only where that
// holds of it too; where it does not, the server delivers it again.
//
// One thread renews, another one puts in.
class LeaseKeeper {
  public:
    using Clock = SourceIntake::Clock;

    LeaseKeeper(SourceIntake& intake, Settler& settler) : intake_(intake), settler_(settler) {}

    // What the messages are of. Requires that nothing is being put in where `generation` changes.
    void set_consumer(const std::string& generation, std::chrono::nanoseconds ack_wait);

    // Says that all is in progress, and renews the lease. Where it has run out, what is not begun
    // is withdrawn before. False where it could not be said: to be tried again soon.
    bool renew(natsConnection* connection);
    // When it has to be renewed.
    Clock::time_point due() const { return due_; }

    // The stop gives back what it can: all is withdrawn, and what is worked on still is kept.
    void give_back();

    // Before `deliveries` are put in, and after it: in between they are not to be changed. Takes
    // those out that may not be put in: they waited for too long on their way here.
    void begin_push(std::vector<Delivery>& deliveries);
    void end_push();

  private:
    using Time = SourceIntake::LeaseTime;

    std::vector<HeldEvent> held_without_fate() const;
    // What is taken off the AckWait, for clocks and for what is under way.
    Time margin() const;
    bool wait_until_nothing_is_pushed();
    bool let_go(const std::vector<HeldEvent>& held);
    void set_lease(Time begin);

    SourceIntake& intake_;
    Settler& settler_;
    std::string generation_;
    Time ack_wait_{};
    Clock::time_point due_{};
    bool is_giving_back_ = false;

    mutable std::mutex mutex_;  // of the members below
    std::condition_variable pushed_;
    Time round_begin_{};
    Time pushable_margin_{};
    const std::vector<Delivery>* in_hand_ = nullptr;
};

}  // namespace drainpipe::nats
