#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "handles.hpp"
#include "jet_stream_api.hpp"

namespace drainpipe::nats {

// A message that has come.
struct Delivery {
    MessageHandle message;
    // It was delivered at this time or later, of CLOCK_BOOTTIME: from when on its AckWait counts.
    std::chrono::nanoseconds not_before;
};

// Takes messages from a pull consumer over one connection, with several requests under way, so that
// the next ones are asked for before the last have come. What is asked for, what has come and what
// was not handed on yet are together never more than there was room for.
//
// ask(), look_after() and close() may be called by any thread; take() and hand_on() by one.
class PullConsumer {
  public:
    struct Room {
        std::uint64_t events = 0;
        std::uint64_t bytes = 0;
    };
    // Bytes of room that a message takes besides what the server counts: its attributes and some
    // for their alignment.
    static constexpr std::uint64_t kOverhead = 128;

    // `info` is the consumer's. Asks for nothing. Throws std::runtime_error where the connection is
    // broken.
    PullConsumer(natsConnection* connection, std::string stream, std::string consumer,
                 const ConsumerInfo& info);
    ~PullConsumer();
    PullConsumer(const PullConsumer&) = delete;
    PullConsumer& operator=(const PullConsumer&) = delete;

    // Asks for what fits in there besides what is under way, where that is worth a request. All the
    // room that there will ever be is the most that was ever seen.
    void ask(Room room);

    // Waits for messages, and returns those that have come, at most `most`, in their order. None:
    // closed, and all were taken.
    std::vector<Delivery> take(std::size_t most);
    // What they take of the room, at most.
    static Room size_of(const std::vector<Delivery>& deliveries);
    // So much was put in, or dropped: the next room is without it.
    void hand_on(Room size);

    // Asks for news of the consumer, the answer to which also tells how old a message can be that
    // comes after it. Gives up requests that nothing was heard of for long.
    void look_after();
    // The news, once each; with an error where the consumer is gone.
    std::optional<ConsumerInfo> news();
    // Whether the server has something to say to those who ask that a user should know: "409 ...".
    // Once each.
    std::optional<std::string> complaint();

    // Asks for nothing more, and for no news. What comes still, or has come, can be taken.
    void close();

    // For tests: messages asked for that have not come.
    std::uint64_t outstanding() const;

  private:
    struct State;

    bool subscribe_to(std::size_t number);

    std::shared_ptr<State> state_;
};

}  // namespace drainpipe::nats
