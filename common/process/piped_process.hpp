#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.hpp"
#include "spawn.hpp"

namespace drainpipe {

// A process of a user's own whose standard descriptors are pipes to this one. The pipes and its
// death are watched in an epoll set, each with a number that says whose and which it is. None of
// the pipes blocks.
class PipedProcess {
  public:
    // How much is read of a pipe at once, and how often at most: what it may be enlarged to.
    static constexpr std::size_t kReadBytes = 64 * 1024;
    static constexpr std::size_t kMostReads = 16;
    static constexpr std::chrono::seconds kFromTermToKill{1};

    // Which of its descriptors.
    enum class Channel : std::uint64_t { death, input, output, errors };

    // What epoll tells of one of them.
    struct Ready {
        std::size_t place;
        Channel channel;
    };
    static Ready ready_of(std::uint64_t data) {
        return {static_cast<std::size_t>(data / 4), static_cast<Channel>(data % 4)};
    }

    // `place` tells it from others in that set, which outlives it.
    PipedProcess(int epoll, std::size_t place) : epoll_(epoll), place_(place) {}

    // Starts it as spawn() does; `serial` is its number in Leftovers. Throws std::system_error, and
    // none is left running then. Requires that none runs.
    void start(const ShellCommand& command, const std::string* argument,
               const std::vector<std::string>& environment, std::uint64_t serial);

    bool is_running() const { return pid_ != 0; }
    pid_t pid() const { return pid_; }
    std::uint64_t serial() const { return serial_; }

    // -1 where it is closed.
    int input() const { return input_.get(); }
    int output() const { return output_.get(); }
    int errors() const { return errors_.get(); }
    bool has_input() const { return input_.is_open(); }
    bool has_output() const { return output_.is_open(); }
    bool has_errors() const { return errors_.is_open(); }

    // Whether its input is watched for room, and not only for a reader that is gone.
    void watch_input(bool for_room);
    void close_input() { close(input_); }
    void close_output() { close(output_); }
    void close_errors() { close(errors_); }

    // A signal to its process group.
    void signal(int number) const { signal_group(pid_, number); }

    // Takes the status of one that is dead, as waitpid() has it, and kills what it left in its
    // group; what the pipes hold can be read until close_all().
    int reap();
    void close_all();

  private:
    void watch(const Descriptor& descriptor, Channel channel, int operation, std::uint32_t what);
    void close(Descriptor& descriptor) const;

    int epoll_;
    std::size_t place_;
    pid_t pid_ = 0;
    std::uint64_t serial_ = 0;
    Descriptor death_;
    Descriptor input_;
    Descriptor output_;
    Descriptor errors_;
    bool is_watched_for_room_ = false;
};

// "signal=SIGKILL" or "status=3", of a status as waitpid() has it.
std::string describe_status(int status);

}  // namespace drainpipe
