#pragma once

// What a service manager is for a launcher: a datagram socket that it is told things by, and a
// listening socket that it is given.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "system/harness/pipeline.hpp"

namespace service {

// Hears what a service says, message by message.
class NotifyReceiver {
  public:
    // `name` is a path, or @ and an abstract name.
    explicit NotifyReceiver(const std::string& name);
    ~NotifyReceiver();
    NotifyReceiver(const NotifyReceiver&) = delete;
    NotifyReceiver& operator=(const NotifyReceiver&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }

    // All messages so far, each as its lines, in their order.
    [[nodiscard]] const std::vector<std::string>& messages();
    // Waits for a message with these words in it, of those that were not asked for before; that
    // message, or nothing at the limit.
    [[nodiscard]] std::string await_message(std::string_view words,
                                            std::chrono::milliseconds limit = harness::kTimeout);
    // How many of the messages so far have these words.
    [[nodiscard]] std::size_t count(std::string_view words);

    // Sends itself messages until no more fits: who would tell it something can't.
    void fill();
    // Nobody listens from now on, at a name that is still there.
    void leave();

  private:
    std::string name_;
    int fd_;
    std::vector<std::string> messages_;
    std::size_t asked_for_ = 0;
};

// The value of NAME=VALUE in a message; nothing where it has no such line.
std::string value_in(std::string_view message, std::string_view name);

// Any socket for a launcher to be given, bound, and listened on where it is to be.
class PassedSocket {
  public:
    // Of Unix, at that path, or at an abstract name that begins with @.
    PassedSocket(const std::string& name, int type, bool is_listening, int backlog = 4096);
    ~PassedSocket();
    PassedSocket(const PassedSocket&) = delete;
    PassedSocket& operator=(const PassedSocket&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    // Waits until a client is there that nobody has accepted.
    [[nodiscard]] bool await_client(std::chrono::milliseconds limit = harness::kTimeout) const;

  private:
    int fd_;
};

// The launcher as a service manager starts it, with `sockets` of them from descriptor 3 on.
harness::Command given_socket(harness::Command launcher, int fd, std::string_view sockets = "1");
// And with a socket to tell things by.
harness::Command told_to_notify(harness::Command launcher, const std::string& name);

}  // namespace service
