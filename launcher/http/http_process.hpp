#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "child.hpp"
#include "http_address.hpp"
#include "http_listener.hpp"

namespace drainpipe {

// The process that serves HTTP beside a pipeline, and the socket that it serves. It is no stage: it
// is started again whenever it dies, after a pause, and nobody waits for it. The socket stays
// meanwhile, and keeps those that connect.
class HttpProcess {
  public:
    using Clock = std::chrono::steady_clock;

    // Between a death, or a start that failed, and the next start.
    static constexpr std::chrono::seconds kPause{1};

    // What the program is asked for, besides --name: serve_http().
    static constexpr const char* kCommand = "serve-http";

    // Listens from here on; throws Failure where that can't be had. The program gets the socket as
    // its standard input.
    HttpProcess(const HttpAddress& address, Child::Program program);
    // Ends it, if it can be ended within a second.
    ~HttpProcess();
    HttpProcess(const HttpProcess&) = delete;
    HttpProcess& operator=(const HttpProcess&) = delete;

    // With the port that it has got.
    const HttpAddress& address() const { return listener_.address(); }

    // What is waited for: its death (-1 where it does not run), and the time of its next start.
    int death_fd() const { return child_.death_fd(); }
    std::optional<Clock::time_point> start_at() const;
    pid_t pid() const { return child_.pid(); }

    // Whether clients can still find the socket.
    bool is_reachable() const { return listener_.is_current(); }
    // Makes the socket again; the process is started anew with it. Throws Failure where that can't
    // be had now.
    void renew();

    // Takes its death, and starts it when it is time. Returns what there is to tell of that.
    std::optional<std::string> look_after();

  private:
    HttpListener listener_;
    Child child_;
    Clock::time_point start_at_{};
};

}  // namespace drainpipe
