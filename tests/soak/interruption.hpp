#pragma once

// SIGINT, SIGTERM and SIGHUP to the soak itself: taken in at a place where it can clean up.

#include <stdexcept>

namespace soak {

class Interrupted : public std::runtime_error {
  public:
    explicit Interrupted(int signal) : std::runtime_error("interrupted"), signal_(signal) {}
    [[nodiscard]] int signal() const { return signal_; }

  private:
    int signal_;
};

class Interruption {
  public:
    // Blocks the signals in this thread and those that it starts.
    Interruption();
    ~Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

    // Throws Interrupted if one of them has come.
    void check() const;

  private:
    int fd_;
};

}  // namespace soak
