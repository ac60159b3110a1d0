#pragma once

// One pipeline under test: a name that no other test has, a directory of its own for run-dir, log
// and output, and the launcher in it. A test may start it several times in a row; each start is a
// run with an output and a part of the log of its own. Whatever the test leaves behind when it ends
// (processes, segment, files), the destructor kills and removes; a test that promises a clean end
// checks leftovers().

#include <signal.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "files.hpp"
#include "process.hpp"
#include "programs.hpp"
#include "record_log.hpp"

namespace harness {

using Flags = std::vector<std::string>;

class Pipeline {
  public:
    // Starts nothing. `programs` is the directory to take all programs from.
    explicit Pipeline(std::filesystem::path programs = programs_directory());
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
    [[nodiscard]] std::filesystem::path run_dir() const { return directory() / "run"; }
    [[nodiscard]] std::filesystem::path log_dir() const { return directory() / "log"; }
    [[nodiscard]] std::filesystem::path segment() const { return "/dev/shm/" + name_; }
    [[nodiscard]] std::filesystem::path socket() const { return run_dir() / (name_ + ".sock"); }
    [[nodiscard]] std::filesystem::path control() const { return run_dir() / (name_ + ".ctl"); }
    [[nodiscard]] std::filesystem::path lock() const { return run_dir() / (name_ + ".lock"); }

    // A program of this pipeline, with its --name and --run-dir before the arguments.
    [[nodiscard]] Command command(std::string_view program, const Flags& arguments = {}) const;
    // The launcher with all three of --name, --run-dir and --log-dir. With
    // SYSTEM_TEST_CONSUMER in the environment, a copy of stages/own_consumer, that is the consumer
    // and takes the time that --event-delay says.
    [[nodiscard]] Command launcher_command(const Flags& flags = {}) const;

    // Starts a run and doesn't wait for it. An earlier launcher still running is killed.
    Process& launch(const Flags& flags = {});
    Process& launch(Command command);
    // Starts a run and waits until it says ready; fails the test when it doesn't.
    void start(const Flags& flags = {});
    void start(Command command);
    [[nodiscard]] Process& launcher() { return launcher_.value(); }
    // The running stage process, whichever it is at the moment; nothing when there is none.
    [[nodiscard]] std::optional<pid_t> stage(std::string_view role) const;
    // The running consumer of that number, from 1.
    [[nodiscard]] std::optional<pid_t> consumer(unsigned number) const;
    // Asks the running launcher for so many consumers; the exit code of the asking.
    [[nodiscard]] int scale(unsigned consumers) const;
    // Sends the signal to the launcher and waits for its exit code, as Process::wait gives it.
    int stop(int signal = SIGTERM, std::chrono::milliseconds limit = kTimeout);
    // SIGKILL to launcher, producer and consumer in one go; waits until all are gone. The exit code
    // of the launcher, which may have ended before.
    int kill_all();

    // Starts the client with the numbers 1..count; doesn't wait.
    Process enqueue(std::uint64_t count);
    // Starts the client with this text as standard input; doesn't wait.
    Process enqueue_text(std::string_view text);
    // The same, waited for: `accepted=` as the client printed it. Fails the test unless it exits
    // 0.
    std::uint64_t enqueue_all(std::string_view text);

    // The current run's part of the log and its output.
    [[nodiscard]] RecordLog log() const { return RecordLog(read_text(log_file(), log_start_)); }
    [[nodiscard]] RecordLog whole_log() const { return RecordLog(read_text(log_file())); }
    [[nodiscard]] std::string output() const { return launcher_.value().output(); }
    [[nodiscard]] std::string errors() const { return launcher_.value().errors(); }
    [[nodiscard]] std::filesystem::path log_file() const { return log_dir() / "info.log"; }
    // Waits for a record of the current run that starts with these words.
    [[nodiscard]] bool await_record(std::string_view words,
                                    std::chrono::milliseconds limit = kTimeout) const;
    // Waits until the current run has put out at least so many events.
    [[nodiscard]] bool await_output(std::uint64_t events,
                                    std::chrono::milliseconds limit = kTimeout) const;

    // What is still there of segment, socket, lock and processes, in words; empty when nothing is.
    [[nodiscard]] std::string leftovers() const;

  private:
    std::filesystem::path new_file(std::string_view stem);

    const std::filesystem::path programs_;
    const TemporaryDirectory directory_{"dp-test"};
    const std::string name_ = directory_.path().filename().string();
    int files_ = 0;
    std::uint64_t log_start_ = 0;
    std::optional<Process> launcher_;
};

// Stops a stage (SIGSTOP) where it stops nobody else: without the ring's lock.
void freeze_without_lock(const Pipeline& pipeline, pid_t pid);
// The opposite: where it holds up all that take the lock. Requires that it takes it again and
// again.
void freeze_with_lock(const Pipeline& pipeline, pid_t pid);

// The K of the client's `accepted=K`; nothing when it printed none.
std::optional<std::uint64_t> accepted_by(std::string_view client_output);

}  // namespace harness
