#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <thread>

#include "descriptor.hpp"
#include "drainpipe/producer.hpp"
#include "source.hpp"

namespace drainpipe {

// Events that a user's function pushes, in a thread of its own.
class FunctionSource final : public Source {
  public:
    struct Options {
        ProducerFunction function;
        std::string run;
        std::uint64_t largest_payload;           // that is accepted, in bytes
        std::function<std::uint64_t()> last_id;  // of any thread
        bool has_ended;                          // all of it is in the ring: it is not called
        std::function<void()> on_end;            // once, when the function has returned by itself
    };

    explicit FunctionSource(Options options);
    ~FunctionSource() override;

    // Readable to start the thread, and when the function has returned.
    int wait_fd() const override { return options_.has_ended ? -1 : wake_.get(); }
    // Throws Failure(software) where the function has thrown.
    void serve(Acceptor& acceptor) override;
    // Waits for the function, which sees that the intake is closing. Throws as serve() does.
    void end(Ending ending) override;

  private:
    void run_function(Acceptor& acceptor);
    void join();

    Options options_;
    Descriptor wake_;
    Descriptor closing_;
    std::thread thread_;
    bool has_started_ = false;
    std::exception_ptr thrown_;  // the thread's until it is joined
};

}  // namespace drainpipe
