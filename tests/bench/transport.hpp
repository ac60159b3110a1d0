#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace drainpipe::bench {

// The events of a measurement: `bytes` each, whole words. The first word numbers them from 0, the
// others are kFill. The number kEnd is the last one sent and ends the run.
inline constexpr std::uint64_t kEnd = ~std::uint64_t{0};
inline constexpr char kFill = 'x';

inline std::uint64_t word_at(const char* place) {
    std::uint64_t word;
    std::memcpy(&word, place, sizeof word);
    return word;
}

inline void set_number(char* event, std::uint64_t number) {
    std::memcpy(event, &number, sizeof number);
}

// Reads every event on the receiving side, all of it: none is missing, none comes twice or out of
// order, and at the end no word of any was another than was sent.
class SequenceCheck {
  public:
    void see(const char* event, std::size_t bytes) {
        const std::uint64_t number = word_at(event);
        sum_ += sum_of(event, bytes);
        if (number == next_) [[likely]] {
            ++next_;
        } else if (number == kEnd) {
            is_over_ = true;
            check_sum(bytes / sizeof number - 1);
        } else {
            throw std::runtime_error("event " + std::to_string(number) + " came where " +
                                     std::to_string(next_) + " was due");
        }
    }

    void see_all(const char* events, std::size_t count, std::size_t bytes) {
        for (std::size_t index = 0; index < count; ++index) {
            see(events + index * bytes, bytes);
        }
    }

    std::uint64_t seen() const { return next_; }
    bool is_over() const { return is_over_; }

  private:
    template <std::size_t kBytes>
    static std::uint64_t sum_of_all(const char* event) {
        std::uint64_t sum = 0;
        for (std::size_t at = 0; at < kBytes; at += sizeof sum) {
            sum += word_at(event + at);
        }
        return sum;
    }
    static std::uint64_t sum_of(const char* event, std::size_t bytes) {
        switch (bytes) {
            case 8:
                return sum_of_all<8>(event);
            case 64:
                return sum_of_all<64>(event);
            case 1024:
                return sum_of_all<1024>(event);
            default:
                throw std::runtime_error("no events of " + std::to_string(bytes) + " bytes");
        }
    }

    void check_sum(std::uint64_t other_words) const {
        const std::vector<char> fill(sizeof(std::uint64_t), kFill);
        const std::uint64_t numbers = next_ * (next_ - 1) / 2 + kEnd;
        if (sum_ != numbers + (next_ + 1) * other_words * word_at(fill.data())) {
            throw std::runtime_error("an event came with other bytes than it was sent with");
        }
    }

    std::uint64_t next_ = 0;
    std::uint64_t sum_ = 0;
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

    // Sends events that lie one after the other; waits until all of them are on their way.
    virtual void send(const char* events, std::size_t count) = 0;

    // Waits for events, shows each to the check, and returns when there was at least one.
    virtual void receive(SequenceCheck& check) = 0;
};

}  // namespace drainpipe::bench
