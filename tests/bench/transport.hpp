#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace drainpipe::bench {

// The events of a measurement: `bytes` each, numbered from 0 in their first eight bytes. The number
// kEnd is the last one sent and ends the run.
inline constexpr std::uint64_t kEnd = ~std::uint64_t{0};

inline std::uint64_t number_of(const char* event) {
    std::uint64_t number;
    std::memcpy(&number, event, sizeof number);
    return number;
}

inline void set_number(char* event, std::uint64_t number) {
    std::memcpy(event, &number, sizeof number);
}

// Looks at every event on the receiving side: none missing, none twice, all in order.
class SequenceCheck {
  public:
    void see(const char* event) {
        const std::uint64_t number = number_of(event);
        if (number == next_) [[likely]] {
            ++next_;
        } else if (number == kEnd) {
            is_over_ = true;
        } else {
            throw std::runtime_error("event " + std::to_string(number) + " came where " +
                                     std::to_string(next_) + " was due");
        }
    }

    void see_all(const char* events, std::size_t count, std::size_t bytes) {
        for (std::size_t index = 0; index < count; ++index) {
            see(events + index * bytes);
        }
    }

    std::uint64_t seen() const { return next_; }
    bool is_over() const { return is_over_; }

  private:
    std::uint64_t next_ = 0;
    bool is_over_ = false;
};

// How large the events are, how many go in one call, how many may be under way.
struct Load {
    std::size_t bytes;
    std::size_t batch;
    std::size_t room;
};

// A way from one process to another. Made before the fork; then one process only sends and the
// other only receives.
class Transport {
  public:
    Transport() = default;
    virtual ~Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // Called once in each process, behind the fork, the receiver first.
    virtual void open_sender() {}
    virtual void open_receiver() {}

    // Sends events that lie one behind the other; waits until all of them are on their way.
    virtual void send(const char* events, std::size_t count) = 0;

    // Waits for events, shows each to the check, and returns when there was at least one.
    virtual void receive(SequenceCheck& check) = 0;
};

}  // namespace drainpipe::bench
