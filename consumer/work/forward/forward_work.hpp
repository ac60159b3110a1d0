#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "work.hpp"

namespace drainpipe {

// Puts each event into another pipeline of this host, as a client of its socket
// (docs/protocol.md). An event is done when that one has accepted it. Where it is not there, or
// full, events wait: that is no failure of theirs. Where a connection broke, what it had not
// confirmed is sent again, and may be in twice.
class ForwardWork final : public Work {
  public:
    // Between two tries to connect.
    static constexpr std::chrono::milliseconds kBetweenTries{100};

    struct Options {
        std::string name;  // of the pipeline, for people
        std::string path;  // of its socket
    };

    // `warn` says it in the log and on standard error.
    ForwardWork(Options options, std::function<void(const std::string&)> warn);

    Ends ends() const override { return Ends::later; }
    std::size_t room() const override;
    std::size_t start(std::span<const Event> events) override;
    void advance(Outcomes& outcomes) override;
    int wait_fd() const override { return epoll_.get(); }
    std::optional<Clock::time_point> next_time() const override;

  private:
    static constexpr std::size_t kWindow = 4096;

    void connect(Clock::time_point now);
    void disconnect(const std::string& why, Clock::time_point now);
    void want_to_write(bool wants);
    void write();
    void read(Clock::time_point now, Outcomes& outcomes);
    void take_line(std::string_view line, Outcomes& outcomes);
    // The first of those sent are accepted, so many of this connection.
    void take_accepted(std::uint64_t accepted, Outcomes& outcomes);
    void take_refused(std::string_view line, Outcomes& outcomes);

    Options options_;
    std::function<void(const std::string&)> warn_;
    Descriptor epoll_;
    Descriptor socket_;
    bool wants_to_write_ = false;
    bool is_told_ = false;  // that it is not there
    std::optional<Clock::time_point> connect_at_ = Clock::time_point{};
    std::deque<Event> unsent_;
    std::deque<Event> sent_;         // on this connection, and not confirmed
    std::uint64_t accepted_ = 0;     // on this connection
    std::uint64_t ended_ = 0;        // on this connection: accepted or refused
    std::vector<Event> unsendable_;  // by lines
    std::string lines_;
    std::size_t written_ = 0;
    std::string answers_;
};

}  // namespace drainpipe
