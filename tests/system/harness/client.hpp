#pragma once

// A bare client of the producer's socket: sends bytes as they are and reads the answers, so that a
// test can say what `enqueue` never would. Knows nothing of the protocol but that answers are
// lines.

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "await.hpp"

namespace harness {

// Sends one datagram to the Unix socket at that path. Fails the test where that can't be done.
void send_datagram(const std::filesystem::path& path, const std::string& text);

class SocketClient {
  public:
    // Connects. Throws std::system_error when nobody listens.
    explicit SocketClient(const std::filesystem::path& socket);
    ~SocketClient();
    SocketClient(const SocketClient&) = delete;
    SocketClient& operator=(const SocketClient&) = delete;

    // Sends all of it; blocks while the other side does not read. Throws when the connection
    // breaks.
    void send(std::string_view bytes);
    // Sends what fits without blocking; the number of bytes sent.
    std::size_t send_some(std::string_view bytes);
    // Tells the other side that nothing more will come.
    void finish_sending();
    // Reads until the other side closes: all answer lines, or those that came within the limit.
    std::vector<std::string> answers(std::chrono::milliseconds limit = kTimeout);
    // Waits until the last answer line so far starts with these words.
    bool await_answer(std::string_view words, std::chrono::milliseconds limit = kTimeout);

  private:
    bool read_some(std::chrono::milliseconds limit);
    [[nodiscard]] std::vector<std::string> lines() const;

    int fd_;
    std::string received_;
};

}  // namespace harness
