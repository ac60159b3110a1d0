#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <thread>

#include "descriptor.hpp"
#include "source.hpp"

namespace drainpipe {

// Events that a user's function pushes, in a thread of its own.
class FunctionSource final : public Source {
  public:
    struct Options {
        // Returns when it has no more events, or the acceptor's is_over(): the descriptor is
        // readable from then on.
        std::function<void(Acceptor&, int closing_fd)> function;
        bool has_ended = false;        // all of it is in the ring: it is not called
        std::function<void()> on_end;  // once, when the function has returned by itself
        // It has more to do when the intake is closed, and returns when that is done, too.
        bool settles = false;
    };

    explicit FunctionSource(Options options);
    ~FunctionSource() override;

    // Readable to start the thread, and when the function has returned.
    int wait_fd() const override { return options_.has_ended ? -1 : wake_.get(); }
    void begin(Acceptor& acceptor) override { acceptor_ = &acceptor; }
    // Throws the function's Failure, and Failure(software) where it has thrown anything else.
    void serve(Acceptor& acceptor) override;
    // Waits for the function, which sees that the intake is closing. Throws as serve() does.
    void end(Ending ending) override;

  private:
    void start();
    void run_function();
    void join();

    Options options_;
    Descriptor wake_;
    Descriptor closing_;
    Acceptor* acceptor_ = nullptr;
    std::thread thread_;
    bool has_started_ = false;
    std::exception_ptr thrown_;  // the thread's until it is joined
};

}  // namespace drainpipe
