#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {

// How a process ended.
struct Ending {
    pid_t pid;
    bool was_killed;
    int number;  // the signal, or the exit status

    bool is(ExitCode code) const { return !was_killed && number == static_cast<int>(code); }
    std::string describe() const;  // "status=0", "signal=SIGKILL"
};

// A child process and its life, as the kernel tells it: a pidfd says that it is dead, a pipe that
// it is ready. It has a process group of its own (unless it reads from a terminal, which only the
// launcher's group may), an empty signal mask, default dispositions and no stray descriptors; the
// kernel ends it with this process until it clears its parent-death signal.
class Child {
  public:
    struct Program {
        std::string role;
        std::filesystem::path path;
        std::vector<std::string> arguments;
        bool has_output;         // the launcher's standard output; /dev/null where not
        bool has_input = false;  // the same of its standard input
        int input = -1;          // becomes its standard input; has to outlive the Child
        int socket = -1;         // passed on, and named by --socket-fd; has to outlive the Child
        // The file at `path` as it was when this was made, which is started also once another one
        // lies there. Null: what lies there at each start.
        std::shared_ptr<const Descriptor> file = nullptr;
    };

    // For Program::file. Null where it can't be opened.
    static std::shared_ptr<const Descriptor> hold(const std::filesystem::path& path);

    explicit Child(Program program) : program_(std::move(program)) {}

    // Starts the program. Throws std::system_error if there can be no process. Requires that it is
    // not running.
    void start();

    const std::string& role() const { return program_.role; }
    pid_t pid() const { return pid_; }
    bool is_running() const { return pid_ > 0; }
    bool is_ready() const { return is_ready_; }
    std::chrono::steady_clock::time_point started_at() const { return started_at_; }
    // So much time since then does not count: nothing ran in it.
    void leave_out(std::chrono::steady_clock::duration time) { started_at_ += time; }

    // Why the program that was started last could not be executed; empty when it was, or is yet to
    // be.
    const std::string& exec_failure() const { return exec_failure_; }

    // Readable when the child is dead, and when it has reported (or will never); -1 when there is
    // nothing to wait for.
    int death_fd() const { return pidfd_.get(); }
    int ready_fd() const { return ready_.get(); }

    // Reads what the child has reported; false when that was read before, or is yet to come.
    bool read_ready();

    // Takes the ending of a dead child; nothing while it lives.
    std::optional<Ending> reap();

    void signal(int number) const;

    // SIGKILL for its process group.
    void kill() const;

  private:
    Program program_;
    pid_t pid_ = 0;
    Descriptor pidfd_;
    Descriptor ready_;
    bool is_ready_ = false;
    std::string exec_failure_;
    std::chrono::steady_clock::time_point started_at_;
};

}  // namespace drainpipe
