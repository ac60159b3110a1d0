#pragma once

// A child process of the test: started with given words, environment and directory, its standard
// streams on files, waited for with a limit, signalled, and never left behind.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "await.hpp"

namespace harness {

// A user without rights, for tests of permissions.
inline constexpr uid_t kNobody = 65534;

// What to start and how. The test's own environment is passed on, but for DRAINPIPE_*.
struct Command {
    std::vector<std::string> words = {};                  // the first is the program's path
    std::map<std::string, std::string> environment = {};  // added to what is passed on
    std::filesystem::path directory = {};  // working directory; empty: the test's own
    std::filesystem::path input = "/dev/null";
    std::filesystem::path output = "/dev/null";
    std::filesystem::path errors = "/dev/null";
    std::optional<uid_t> user = {};  // needs root
    std::optional<int> passed = {};  // a descriptor of the test's that becomes number 3
};

class Process {
  public:
    // `wait` answers this when the process outlives the limit.
    static constexpr int kStillRunning = -1;

    // Starts the process. Throws std::system_error when there can be none; a program that can't be
    // executed is an exit with 127.
    explicit Process(const Command& command);
    // Kills the process with SIGKILL if it still runs, and reaps it.
    ~Process();
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // The exit code, 128 + the signal's number after a death by signal, or kStillRunning.
    [[nodiscard]] int wait(std::chrono::milliseconds limit = kTimeout);
    [[nodiscard]] bool has_ended() { return wait(std::chrono::milliseconds{0}) != kStillRunning; }
    // Does nothing once the process has been reaped.
    void send(int signal);

    [[nodiscard]] pid_t pid() const { return pid_; }
    // What it has written so far.
    [[nodiscard]] std::string output() const;
    [[nodiscard]] std::string errors() const;

  private:
    void finish() noexcept;

    pid_t pid_ = 0;
    std::optional<int> result_;
    std::filesystem::path output_;
    std::filesystem::path errors_;
};

// How a process that was run to its end came out.
struct Outcome {
    int code;  // as Process::wait gives it
    std::string output;
    std::string errors;
    std::chrono::milliseconds elapsed;
};

// The same command, started by a shell after a line of its own.
Command after(const std::string& line, Command command);

// Runs to the end, or kills at the limit. `output` and `errors` of the command are replaced.
Outcome run(Command command, std::chrono::milliseconds limit = kTimeout);

}  // namespace harness
