#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "directory.hpp"
#include "other_process.hpp"

namespace drainpipe::bench {

// The real programs, log and standard output to files. What is still there at the end is killed
// and its segment removed.
class Pipeline {
  public:
    // `programs` is the directory that they lie in.
    explicit Pipeline(std::string programs);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    // Returns when it is ready, with the milliseconds that took.
    double start(const std::vector<std::string>& flags);

    // Enqueues the numbers 1 to `count`; the file's lines; with the processor seconds it took.
    double enqueue(std::uint64_t count);
    double enqueue_file(const std::string& path);

    // Stops the consumer, so that what is enqueued stays buffered; the launcher continues it in a
    // stop.
    void hold_consumer() const;

    void request_stop() const;
    // Returns when the launcher has left.
    void wait();
    // Kills all three at once.
    void kill_all();

    // Waits for the record of event `id` as processed.
    void wait_for_processed(std::uint64_t id) const;

    // Seconds per event by the time stamps of the events' records. Those of a burst have one: from
    // the first burst to the last one, whose end nothing tells.
    double seconds_per_event() const;

    // By the time stamps of the first records that contain these texts.
    double seconds_between(const std::string& first, const std::string& second) const;

    // Whether a record contains this text.
    bool has_logged(const std::string& text) const;

    pid_t launcher() const { return launcher_->pid(); }
    pid_t producer() const { return producer_; }
    pid_t consumer() const { return consumer_; }
    std::string log() const { return directory_.file("log/info.log"); }
    std::string output() const { return directory_.file("output"); }
    const Directory& directory() const { return directory_; }

  private:
    double run_enqueue(const std::string& events, const std::string& input);

    std::string programs_;
    std::string name_;
    Directory directory_;
    std::unique_ptr<OtherProcess> launcher_;
    pid_t producer_ = 0;
    pid_t consumer_ = 0;
};

// Processor seconds of a process that runs, and its memory in MiB: its own, and all with what it
// has touched of the segment.
double processor_seconds_of(pid_t process);
double own_mib_of(pid_t process);
double resident_mib_of(pid_t process);

}  // namespace drainpipe::bench
