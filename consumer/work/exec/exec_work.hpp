#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "command_run.hpp"
#include "leftovers.hpp"
#include "results.hpp"
#include "shell_command.hpp"
#include "work.hpp"

namespace drainpipe {

// Runs a command for each event, or for a batch of them, several at once. The payload is on its
// standard input, and in "$1" where it can be. What it writes is a result when it ends with
// success; what it leaves running is ended with it.
class ExecWork final : public Work {
  public:
    // The longest payload that is an argument as well.
    static constexpr std::size_t kLongestArgument = 64 * 1024;
    // How long until a process that the system refused is tried again.
    static constexpr std::chrono::milliseconds kBetweenTries{100};

    struct Options {
        std::string command;
        std::uint32_t jobs;
        std::uint32_t batch;
        Clock::duration batch_wait;
        Clock::duration timeout;               // 0 for none
        std::vector<std::string> environment;  // "NAME=value", of every run
    };

    // `warn` says it in the log and on standard error. Throws Failure(system) where the limit of
    // descriptors is too low for so many jobs.
    ExecWork(Options options, Results& results, std::function<void(const std::string&)> warn);

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override;
    std::size_t start(std::span<const Event> events) override;
    std::size_t jobs() const override { return runs_.size() - free_.size(); }
    void advance(Outcomes& outcomes) override;
    void begin_stop() override { is_stopping_ = true; }
    bool is_closed() const override { return !leftovers_.are_expected(); }
    int wait_fd() const override { return epoll_.get(); }
    std::optional<Clock::time_point> next_time() const override;

  private:
    // Events that one run is for.
    using Batch = std::vector<Event>;

    bool is_batch_due(Clock::time_point now) const;
    void close_batch();
    // As many of the batches that wait as there are jobs free.
    void start_batches(Clock::time_point now, Outcomes& outcomes);
    // False where the system refused.
    bool start_run(CommandRun& run, const Batch& batch, Outcomes& outcomes);
    void take_ready(Outcomes& outcomes);
    void end(CommandRun& run, const CommandRun::Ended& ended, Outcomes& outcomes);
    Leftovers::Running running() const;

    Options options_;
    ShellCommand command_;
    Results& results_;
    std::function<void(const std::string&)> warn_;
    Leftovers leftovers_;
    Descriptor epoll_;
    std::vector<CommandRun> runs_;
    std::vector<std::size_t> free_;  // places in `runs_`
    std::uint64_t last_serial_ = 0;
    Batch forming_;
    std::optional<Clock::time_point> forming_since_;
    std::deque<Batch> waiting_;  // for a job
    std::optional<Clock::time_point> try_at_;
    bool is_warned_ = false;
    bool is_stopping_ = false;
};

}  // namespace drainpipe
