#pragma once

// The client program as a client of a round: started with its events, perhaps signalled, judged by
// its exit code and what it printed.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/process.hpp"
#include "receipt.hpp"
#include "room.hpp"

namespace soak {

class EnqueueSender {
  public:
    // Sends events 1..count of that prefix; with neither prefix nor padding as a bare number on the
    // command line, else on standard input.
    EnqueueSender(Room& room, std::string prefix, std::size_t padding, std::uint64_t count);

    [[nodiscard]] const std::string& name() const { return receipt_.prefix; }
    [[nodiscard]] pid_t pid() const { return process_->pid(); }
    [[nodiscard]] bool is_done() { return process_->has_ended(); }
    void send(int signal);

    // Requires is_done(). Throws Fault when code and words don't fit one another.
    [[nodiscard]] Receipt receipt();

  private:
    Receipt receipt_;
    std::optional<harness::Process> process_;
    std::optional<int> signal_;
};

}  // namespace soak
