#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client.hpp"
#include "large_turn.hpp"
#include "listener.hpp"
#include "source.hpp"

namespace drainpipe {

// Takes events in from any number of clients of a socket, a line each. A client whose events wait
// for room is not read; each is told how many of its events are in the ring.
class SocketSource final : public Source {
  public:
    struct Options {
        std::filesystem::path path;
        mode_t mode;
        std::optional<gid_t> group;
        std::uint64_t largest_payload;  // that is accepted, in bytes
        Descriptor shared = {};  // a socket that others hold too, in place of one at that path
    };

    // Clients can connect from here on. Throws std::system_error.
    explicit SocketSource(Options options);

    int wait_fd() const override { return epoll_.get(); }
    std::optional<std::chrono::steady_clock::time_point> next_time() const override;
    std::size_t clients() const override { return clients_.size(); }
    void serve(Acceptor& acceptor) override;
    void on_full(std::size_t accepted) override;
    void end(Ending ending) override;

  private:
    void accept_clients();
    // Who has waited to be accepted until the end, and can't wait for another listener.
    void accept_last_clients();
    void serve_client(Client& client, std::uint32_t events, Acceptor& acceptor);
    // Puts the lines that were read in the ring, and refuses those that are too long, in order:
    // a client that was told of an event knows that all before it were told of or are in.
    void take_in(Client& client, Acceptor& acceptor);
    // Puts the payloads at hand in the ring; false where not all are in.
    bool accept_payloads(Acceptor& acceptor);
    // So many of the payloads at hand are in.
    void count_accepted(std::size_t accepted);

    // Watches a client for what it has to be served for next, a held one for nothing.
    void watch(Client& client);
    void remove(const Client& client);
    void end_stalled_turn();
    std::size_t most_to_read() const;
    void listen(bool on);

    static void flush_until(Client& client, std::chrono::steady_clock::time_point deadline);

    Listener listener_;
    Descriptor epoll_;
    std::size_t most_clients_;
    std::uint64_t largest_payload_;
    std::unordered_map<int, std::unique_ptr<Client>> clients_;
    LargeTurn large_turn_;
    bool is_listening_ = false;
    std::chrono::steady_clock::time_point listen_again_;  // where it is not listening

    // Of the read at hand.
    Client* client_ = nullptr;
    std::size_t accepted_ = 0;
    bool was_full_ = false;
    std::vector<char> scratch_;
    std::vector<wire::LineSplitter::Line> lines_;
    std::vector<std::string_view> payloads_;
};

}  // namespace drainpipe
