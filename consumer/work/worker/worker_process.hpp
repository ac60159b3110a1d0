#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "error_lines.hpp"
#include "piped_process.hpp"
#include "restart_policy.hpp"
#include "work.hpp"
#include "worker_protocol.hpp"

namespace drainpipe {

// One worker and the events that it has: a process that is kept, gets a line for each and answers
// with one, in any order. When it ends, or has to be ended, what it has is given back, and a new
// process takes its place a moment later.
//
// Both directions go on whatever the other does, and memory is bounded: lines are made when there
// is room for them in the pipe, answers are read in blocks.
class WorkerProcess {
  public:
    using Clock = Work::Clock;

    using Channel = PipedProcess::Channel;

    struct Options {
        const ShellCommand& command;
        const WorkerProtocol& protocol;
        std::vector<std::string> environment;
        std::string label;        // of what it writes to standard error
        std::size_t window;       // events that it may have unanswered
        Clock::duration timeout;  // 0 for none
    };

    // What it said, and what becomes of its events where it ends.
    struct Answered {
        WorkerAnswer answer;
        Clock::duration took;
    };
    struct Failed {
        std::uint64_t id;
        std::string reason;
    };
    struct Told {
        std::vector<Answered> answers;
        std::vector<Failed> failures;
        std::string warning;     // what a person should know
        bool has_ended = false;  // the process, and it was reaped
    };

    // `epoll` and `place` as PipedProcess has them.
    WorkerProcess(Options options, int epoll, std::size_t place);

    // Whether none runs and it is time to start one.
    bool is_due(Clock::time_point now) const;
    // Starts the process. Throws std::system_error where the system refuses: it is due again then.
    // `serial` as Leftovers has it, with its variable for the environment.
    void start(Clock::time_point now, std::uint64_t serial, const std::string& variable);

    const PipedProcess& process() const { return process_; }
    bool is_running() const { return process_.is_running(); }
    bool has_failed() const { return has_failed_; }  // it died too often
    std::size_t unanswered() const { return unanswered_; }
    bool takes_events() const;
    // For how many events more there is room.
    std::size_t room() const;
    // Whether an answer is worth waiting a moment for others that follow.
    bool has_many() const { return unanswered_ >= kMany; }

    void send(const Event& event, Clock::time_point now);
    // Writes what there is room for.
    void write(Clock::time_point now);
    // Goes on where that channel is ready.
    void advance(Channel channel, Clock::time_point now, Told& told);
    // Ends it where it is late.
    void advance_time(Clock::time_point now, Told& told);
    std::optional<Clock::time_point> next_time() const;

    std::string_view last_errors() const { return errors_.last(); }

    // Closes its standard input: it is to end, and is not started again.
    void close();

  private:
    static constexpr std::size_t kMany = 8;

    struct Unanswered {
        Event event;
        Clock::time_point sent_at;
        bool is_answered = false;
    };

    void stop_writing(Clock::time_point now);
    void read_answers(Clock::time_point now, Told& told);
    void take_line(std::string_view line, Clock::time_point now, Told& told);
    Unanswered* find(std::uint64_t id);
    void break_off(const std::string& why, std::string_view line, Told& told);
    void end_for(const std::string& why, Told& told);
    void read_errors();
    void reap(Clock::time_point now, Told& told);
    void fail_unanswered(const std::string& reason, Told& told);

    Options options_;
    PipedProcess process_;
    ErrorLines errors_;
    RestartPolicy policy_;
    std::optional<Clock::time_point> start_at_ = Clock::time_point{};
    bool has_failed_ = false;
    bool is_closing_ = false;

    std::deque<Unanswered> sent_;  // in the order in which they were sent, with some answered
    std::size_t unanswered_ = 0;   // of `sent_` and `unsent_`
    std::deque<Event> unsent_;
    std::string lines_;                        // made and not written
    std::size_t written_ = 0;                  // of `lines_`
    std::string answers_;                      // read and without their newline yet
    Clock::time_point oldest_since_{};         // since when the first of `sent_` is that
    std::optional<Clock::time_point> end_at_;  // by the next signal
    bool is_late_ = false;                     // it has got a TERM
    std::string why_ended_;                    // by us
};

}  // namespace drainpipe
