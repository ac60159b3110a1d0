#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "descriptor.hpp"

namespace drainpipe {

// Tells a stage, from a thread of its own, what comes from outside: that it should leave, or that
// the launcher is gone. It sleeps in the kernel until one of them happens.
class Watcher {
  public:
    struct Calls {
        std::function<void()> leave;          // SIGTERM or SIGINT
        std::function<void()> launcher_gone;  // once
        std::function<void()> reopen_log;     // SIGHUP
    };

    // `signals` as claim_signals() returned it, `launcher` a pidfd. The calls come from the
    // watcher's thread and end before its destructor does.
    Watcher(Descriptor signals, Descriptor launcher, Calls calls);
    ~Watcher();

  private:
    void watch();
    void take_signals();

    Descriptor signals_;
    Descriptor launcher_;
    Pipe end_;
    Calls calls_;
    std::thread thread_;
};

}  // namespace drainpipe
