#pragma once

// All clients of a round. They come by chance, share the round's events among them, and are
// dismissed when the pipeline is gone for good.

#include <cstdint>
#include <list>
#include <vector>

#include "dice.hpp"
#include "enqueue_sender.hpp"
#include "plan.hpp"
#include "receipt.hpp"
#include "room.hpp"
#include "socket_sender.hpp"
#include "story.hpp"

namespace soak {

class Crowd {
  public:
    Crowd(Room& room, const Plan& plan, Dice& dice, Story& story);
    ~Crowd();

    // One more client of a random kind, as long as there are events for it.
    void let_come();
    // Signals a client program that still runs, if there is one; returns whether.
    bool strike(int signal);
    [[nodiscard]] bool is_done();

    // Asks all to end and waits for it. Requires that the pipeline is gone. Throws Fault when one
    // hangs or was told nonsense.
    std::vector<Receipt> dismiss();

  private:
    void add_enqueue(std::uint64_t events);
    void add_socket_sender(std::uint64_t events);
    std::size_t draw_padding();

    Room& room_;
    Dice& dice_;
    Story& story_;
    std::uint64_t events_left_;
    int clients_ = 0;
    std::list<EnqueueSender> enqueues_;
    std::list<SocketSender> socket_senders_;
};

}  // namespace soak
