#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "leftovers.hpp"
#include "results.hpp"
#include "shell_command.hpp"
#include "work.hpp"
#include "worker_process.hpp"
#include "worker_protocol.hpp"

namespace drainpipe {

// Gives events to workers, each a process that is kept, and takes their answers. Each event goes to
// the worker with the fewest that it has not answered.
class WorkerWork final : public Work {
  public:
    // How long answers gather, once one has come and more are to follow: about as long as half of
    // them take, so that each block of them wakes this process once and no worker has nothing to do
    // meanwhile.
    static constexpr std::chrono::microseconds kLeastGather{20};
    static constexpr std::chrono::microseconds kMostGather{1000};
    // How long until a process that the system refused is tried again.
    static constexpr std::chrono::milliseconds kBetweenTries{100};

    struct Options {
        std::string command;
        WorkerProtocol::Format format;
        std::uint32_t jobs;
        std::uint32_t window;
        Clock::duration timeout;               // 0 for none
        std::vector<std::string> environment;  // "NAME=value", of all workers
    };

    // `warn` says it in the log and on standard error. Throws Failure(system) where the limit of
    // descriptors is too low for so many workers.
    WorkerWork(Options options, Results& results, std::function<void(const std::string&)> warn);

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override;
    std::size_t start(std::span<const Event> events) override;
    std::size_t jobs() const override;
    // Throws Failure(software) where a worker died too often.
    void advance(Outcomes& outcomes) override;
    void close() override;
    bool is_closed() const override;
    int wait_fd() const override { return epoll_.get(); }
    std::optional<Clock::time_point> next_time() const override;

  private:
    void start_workers(Clock::time_point now);
    void gather_answers() const;
    // Learns how quickly answers come.
    void note_answers(std::size_t answers, Clock::time_point now);
    void tell(const WorkerProcess& worker, const WorkerProcess::Told& told, Outcomes& outcomes);
    void tell_answer(const WorkerProcess& worker, const WorkerProcess::Answered& answered,
                     Outcomes& outcomes);
    void tell_refused(Outcomes& outcomes);
    Leftovers::Running running() const;

    ShellCommand command_;
    WorkerProtocol protocol_;
    Results& results_;
    std::function<void(const std::string&)> warn_;
    Leftovers leftovers_;
    Descriptor epoll_;
    std::vector<WorkerProcess> workers_;
    std::uint64_t last_serial_ = 0;
    std::vector<Event> refused_;  // that can't be sent
    std::optional<Clock::time_point> try_at_;
    bool is_warned_ = false;
    Clock::time_point answered_at_{};      // when some were read last
    std::chrono::nanoseconds interval_{};  // between two answers, while some are to come
};

}  // namespace drainpipe
