#include "two_processes.hpp"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "other_process.hpp"
#include "shared_object.hpp"
#include "spin.hpp"

namespace drainpipe::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kPatienceSeconds = 60;
constexpr int kSenderCore = 0;
constexpr int kReceiverCore = 1;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

void pin_to(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (::sched_setaffinity(0, sizeof cores, &cores) != 0) {
        throw std::runtime_error("cannot pin a process to core " + std::to_string(core));
    }
}

// Ends the program, and with it all that it started, if a measurement gets stuck.
class Patience {
  public:
    Patience() { ::alarm(kPatienceSeconds); }
    ~Patience() { ::alarm(0); }
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;
};

// Gives the process back the cores that it may use.
class CoresKept {
  public:
    CoresKept() { ::sched_getaffinity(0, sizeof cores_, &cores_); }
    ~CoresKept() { ::sched_setaffinity(0, sizeof cores_, &cores_); }
    CoresKept(const CoresKept&) = delete;
    CoresKept& operator=(const CoresKept&) = delete;

  private:
    cpu_set_t cores_{};
};

struct Start {
    std::atomic<int> receivers{0};  // that are open: a sender comes after its receiver
    std::atomic<bool> is_given{false};
    std::atomic<bool> is_awaited{false};
    std::atomic<bool> is_over{false};  // all was received: the sender may leave
    double sender_seconds = 0;
};

void wait_for(const std::atomic<bool>& flag) {
    while (!flag) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
}

// A block of events that a sender numbers again and again.
class Block {
  public:
    explicit Block(const Load& load) : load_(load), events_(load.bytes * load.batch, kFill) {}

    void send(Transport& transport) {
        for (std::size_t index = 0; index < load_.batch; ++index) {
            set_number(&events_[index * load_.bytes], next_++);
        }
        transport.send(events_.data(), load_.batch);
    }
    void send_end(Transport& transport) {
        set_number(events_.data(), kEnd);
        transport.send(events_.data(), 1);
    }

  private:
    Load load_;
    std::vector<char> events_;
    std::uint64_t next_ = 0;
};

void send_for(Transport& transport, const Load& load, double seconds) {
    const std::size_t between_looks = load.batch == 1 ? 64 : 1;
    Block block(load);
    const auto begin = Clock::now();
    while (seconds_since(begin) < seconds) {
        for (std::size_t count = 0; count < between_looks; ++count) {
            block.send(transport);
        }
    }
    block.send_end(transport);
}

}  // namespace

Passage measure_passage(Transport& transport, const Load& load, double seconds) {
    const Patience patience;
    const SharedObject<Start> start;
    OtherProcess sender([&] {
        pin_to(kSenderCore);
        spin_while([&] { return start->receivers < 1; });
        transport.open_sender();
        start->is_awaited = true;
        spin_while([&] { return !start->is_given; });
        const double used_before = own_processor_seconds();
        send_for(transport, load, seconds);
        start->sender_seconds = own_processor_seconds() - used_before;
        wait_for(start->is_over);
    });
    const CoresKept cores;
    pin_to(kReceiverCore);
    transport.open_receiver();
    ++start->receivers;
    spin_while([&] { return !start->is_awaited; });
    const double used_before = own_processor_seconds();
    const auto begin = Clock::now();
    start->is_given = true;
    SequenceCheck check;
    while (!check.is_over()) {
        transport.receive(check);
    }
    const double passed = seconds_since(begin);
    const double used = own_processor_seconds() - used_before;
    start->is_over = true;
    sender.wait();
    const auto events = static_cast<double>(check.seen());
    return {.events_per_second = events / passed,
            .sender_ns_per_event = 1e9 * start->sender_seconds / events,
            .receiver_ns_per_event = 1e9 * used / events};
}

std::vector<double> measure_round_trips(Transport& there, Transport& back, const Load& load,
                                        std::size_t count, std::chrono::microseconds quiet) {
    const Patience patience;
    const SharedObject<Start> start;
    const auto open_both = [&](Transport& receiving, Transport& sending) {
        receiving.open_receiver();
        ++start->receivers;
        spin_while([&] { return start->receivers < 2; });
        sending.open_sender();
    };
    OtherProcess echo([&] {
        pin_to(kSenderCore);
        open_both(there, back);
        Block block(load);
        SequenceCheck check;
        while (check.seen() < count) {
            there.receive(check);
            block.send(back);
        }
        wait_for(start->is_over);
    });
    const CoresKept cores;
    pin_to(kReceiverCore);
    open_both(back, there);
    Block block(load);
    SequenceCheck check;
    std::vector<double> nanoseconds;
    while (check.seen() < count) {
        const auto quiet_end = Clock::now() + quiet;
        spin_while([&] { return Clock::now() < quiet_end; });
        const auto begin = Clock::now();
        block.send(there);
        back.receive(check);
        nanoseconds.push_back(1e9 * seconds_since(begin));
    }
    start->is_over = true;
    echo.wait();
    return nanoseconds;
}

}  // namespace drainpipe::bench
