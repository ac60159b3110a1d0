#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client.hpp"
#include "large_turn.hpp"
#include "listener.hpp"
#include "ring_writer.hpp"
#include "stage.hpp"
#include "stall.hpp"

namespace drainpipe {

// Takes events in from any number of clients and puts them in the ring. A full ring stops the
// reading; nothing is ever dropped. What a client sent is accepted once it is in the ring, and that
// is what the client is told.
class Intake {
  public:
    explicit Intake(Stage& stage);

    // Returns when the stage has left, every client told what became of its events.
    void run();

  private:
    bool is_over() const;
    void wait_and_serve();
    void accept_clients();
    void serve(Client& client, std::uint32_t events);

    // Puts the lines in the ring, waiting for room. Stops where the intake is over.
    void take_in(Client& client);
    void push(Client& client);
    void wait_for_room(std::size_t payload_bytes);
    // Where nothing has been committed for long.
    void say_who_holds_up();

    // Watches a client for what it has to be served for next, a held one for nothing.
    void watch(Client& client);
    void remove(const Client& client);
    void end_stalled_turn();
    int milliseconds_to_wait() const;
    std::size_t most_to_read() const;
    void listen(bool on);

    void close_intake();
    void tell_all(wire::Reason reason);
    static void flush_until(Client& client, std::chrono::steady_clock::time_point deadline);

    Stage& stage_;
    RingWriter writer_;
    Listener listener_;
    Descriptor epoll_;
    std::size_t most_clients_;
    std::unordered_map<int, std::unique_ptr<Client>> clients_;
    LargeTurn large_turn_;
    Stall stall_;
    bool is_closed_ = false;
    bool is_listening_ = false;

    // Of the read at hand.
    std::vector<char> scratch_;
    std::vector<wire::LineSplitter::Line> lines_;
    std::vector<std::string_view> payloads_;
};

}  // namespace drainpipe
