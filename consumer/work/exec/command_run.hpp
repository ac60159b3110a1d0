#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "captured_output.hpp"
#include "error_lines.hpp"
#include "piped_process.hpp"
#include "work.hpp"

namespace drainpipe {

// One run of a command, for one event or a batch of them: its process, what it is still to be fed,
// and what it has said. It is used again for the next run, so that descriptors and buffers are few.
class CommandRun {
  public:
    using Clock = Work::Clock;

    using Channel = PipedProcess::Channel;

    struct Ended {
        bool is_success;
        bool is_dead;        // by its own account the events are not to be tried again
        std::string reason;  // where it is no success
        Clock::duration took;
    };

    // As PipedProcess has them.
    CommandRun(int epoll, std::size_t place) : process_(epoll, place) {}

    const PipedProcess& process() const { return process_; }
    bool is_running() const { return process_.is_running(); }
    const std::vector<Event>& events() const { return events_; }

    // Starts the command for these events: `input` is what it reads, `argument` its "$1" where it
    // has one. Throws std::system_error where the system refuses. Requires that it is not running.
    void start(const ShellCommand& command, std::vector<Event> events, std::string input,
               const std::string* argument, const std::vector<std::string>& environment,
               std::uint64_t serial, Clock::duration timeout);

    // Goes on where that channel is ready; how it ended, once it has: everything that it wrote is
    // read then. What it left in its group is killed.
    std::optional<Ended> advance(Channel channel);

    // When its time is over, if it has a limit.
    std::optional<Clock::time_point> next_time() const;
    // Ends it where its time is over: TERM, and KILL a while later.
    void end_if_late(Clock::time_point now);

    CapturedOutput& output() { return output_; }
    std::string_view last_errors() const { return errors_.last(); }
    // Forgets the run that has ended.
    void clear();

  private:
    void feed();
    // Whether there may be more.
    bool read_output();
    bool read_errors();
    void fail_to_keep(const std::string& why);
    Ended reap();

    PipedProcess process_;
    std::vector<Event> events_;
    std::string label_;
    std::string input_;
    std::size_t fed_ = 0;
    CapturedOutput output_;
    ErrorLines errors_;
    Clock::time_point started_at_;
    std::optional<Clock::time_point> end_at_;  // by the next signal
    bool is_late_ = false;                     // it has got a TERM
    Clock::duration timeout_{};
    std::string failure_;  // of ours, to keep its output
};

}  // namespace drainpipe
