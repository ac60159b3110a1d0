#pragma once

// A client that speaks to the socket itself, in a thread of its own: sends its events, connects
// again after every closing and every break, and goes on with what is not known to be in, until all
// are in or it is dismissed.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/client.hpp"
#include "receipt.hpp"

namespace soak {

class SocketSender {
  public:
    struct Order {
        std::string name;  // prefixes begin with it
        std::uint64_t events;
        std::size_t padding;
        std::uint64_t burst;              // events sent at a time
        std::chrono::microseconds pause;  // between bursts
        std::uint64_t leaves_after;       // breaks off there without a word; 0: never
    };

    SocketSender(std::filesystem::path socket, Order order);
    // Requires that the thread has been dismissed or is done.
    ~SocketSender() = default;
    SocketSender(const SocketSender&) = delete;
    SocketSender& operator=(const SocketSender&) = delete;

    [[nodiscard]] const std::string& name() const { return order_.name; }
    [[nodiscard]] bool is_done() const { return is_done_; }
    // Asks it to end. It hears out an open connection for a second at most.
    void dismiss() { thread_.request_stop(); }
    // Requires is_done(). One for each prefix.
    [[nodiscard]] const std::vector<Receipt>& receipts() const { return receipts_; }
    // An answer that contradicts what was sent; empty when there was none. Requires is_done().
    [[nodiscard]] const std::string& fault() const { return fault_; }

  private:
    void run(const std::stop_token& stop);
    void converse(harness::SocketClient& client, const std::stop_token& stop);
    // Sends events until all are sent, the other side has closed, or it is time to leave. True when
    // the last byte is out.
    bool send_all(harness::SocketClient& client, const std::stop_token& stop);
    std::string hear_out(harness::SocketClient& client, const std::stop_token& stop) const;
    void conclude(const std::string& last_answer, std::uint64_t before);
    void begin_prefix();
    [[nodiscard]] std::uint64_t limit() const { return order_.events - settled_; }
    [[nodiscard]] bool leaves_early() const { return order_.leaves_after > 0; }

    const std::filesystem::path socket_;
    const Order order_;
    Receipt current_;
    int prefixes_ = 0;
    std::uint64_t settled_ = 0;  // known to be in under earlier prefixes
    std::vector<Receipt> receipts_;
    std::string fault_;
    std::atomic<bool> is_done_ = false;
    std::jthread thread_;
};

}  // namespace soak
