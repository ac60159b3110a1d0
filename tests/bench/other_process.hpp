#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>

namespace drainpipe::bench {

// User and system time.
double processor_seconds(const rusage& usage);
double own_processor_seconds();

// A forked process with a piece of a measurement; killed if the measurement ends before it.
class OtherProcess {
  public:
    explicit OtherProcess(const std::function<void()>& work);
    ~OtherProcess();
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const;

    // Waits for its end; returns the processor seconds it took. Throws unless it ended well.
    double wait();

  private:
    pid_t pid_;
};

}  // namespace drainpipe::bench
