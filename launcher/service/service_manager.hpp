#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include "notify_socket.hpp"
#include "service_environment.hpp"

namespace drainpipe {

// The service manager that has started this process, and what it is told by sd_notify(3): that the
// service is ready, reloads or stops, how it stands, and that it is alive. Where there is none, or
// it does not listen, nothing is told and nothing waits.
class ServiceManager {
  public:
    using Clock = std::chrono::steady_clock;

    // Between two messages of how the service stands, and of a stop that goes on.
    static constexpr std::chrono::seconds kInterval{1};

    // What a stop may take beyond its deadline, to end what still runs and to give the account.
    static constexpr std::chrono::seconds kSettling{5};

    explicit ServiceManager(const ServiceEnvironment& environment);

    // `status` is one line for a person.
    void tell_ready(const std::string& status);

    // A stop was requested and is over by the deadline, and a moment after that. Until then the
    // manager is asked, by tell() too, not to end the service by a limit of its own.
    void tell_stopping(Clock::time_point deadline, const std::string& status);

    // The service reloads, and is ready again. Nothing where it is not ready, or stops.
    void tell_reloading();
    void tell_reloaded();

    // How the service stands, at once.
    void tell_status(const std::string& status);

    // When tell() has to be called next; time_point::max() where it never has.
    Clock::time_point next_time() const;
    bool is_due() const { return Clock::now() >= next_time(); }

    // Says what is due: that this process is alive, how it stands, where that has changed, and
    // that the stop goes on. To be called by the loop that must not hang, and by no other.
    void tell(const std::string& status);

  private:
    // What the manager has to know is kept until it has taken it.
    void tell_for_certain(const std::string& message);
    void tell_what_is_kept();
    std::string stopping_message(const std::string& status, Clock::time_point now) const;

    NotifySocket socket_;
    Clock::duration ping_interval_;  // zero: none
    Clock::time_point next_ping_{};
    Clock::time_point next_status_{};
    std::string told_status_;
    std::deque<std::string> kept_;
    bool is_ready_ = false;
    std::optional<Clock::time_point> stop_deadline_;
};

}  // namespace drainpipe
