#include "connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "failure.hpp"
#include "poll.hpp"
#include "role_locks.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBetweenConnects{10};

// A connected descriptor, or a closed one and errno.
Descriptor try_to_connect(const Address& address) {
    Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!connection.is_open()) {
        throw_errno("cannot make a socket");
    }
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, address.socket_path().c_str(), sizeof name.sun_path - 1);
    if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&name),
                  static_cast<socklen_t>(sizeof name)) != 0) {
        return {};
    }
    return connection;
}

// Throws unless a launcher runs that will have its intake open again.
void require_running(const Address& address) {
    const std::optional<RoleLocks> role_locks = RoleLocks::find(address.lock_path());
    const bool has_launcher = role_locks && role_locks->holder(Role::launcher);
    if (!has_launcher && !(role_locks && role_locks->stage_holder())) {
        address.fail_not_running();
    }
    if (!has_launcher) {
        throw Failure(ExitCode::taken, address.describe() + " is shutting down");
    }
    role_locks->require_not_stopping(address.describe());
    if (role_locks->holder(Role::no_clients)) {
        throw Failure(ExitCode::unavailable, address.describe() +
                                                 " takes nothing from clients: its events come "
                                                 "from what it was given with --from");
    }
}

}  // namespace

Descriptor connect_to_intake(const Address& address, const Descriptor& signals,
                             Clock::time_point deadline) {
    while (true) {
        if (Descriptor connection = try_to_connect(address); connection.is_open()) {
            return connection;
        }
        if (errno == EACCES || errno == EPERM) {
            throw_errno("cannot connect to " + address.socket_path().string());
        }
        // Where too many wait to be let in somebody listens, if only a service manager.
        if (errno != EAGAIN) {
            require_running(address);
        }
        if (Clock::now() >= deadline) {
            throw Failure(ExitCode::taken, "the intake " + address.socket_path().string() +
                                               " was not open in time: it is being started, or too "
                                               "many clients wait");
        }
        pollfd signal{signals.get(), POLLIN, 0};
        ::poll(&signal, 1, milliseconds_until(std::min(deadline, Clock::now() + kBetweenConnects)));
        if (const int number = take_signal(signals)) {
            throw Failure(static_cast<ExitCode>(128 + number), "stopped by " + signal_name(number));
        }
    }
}

}  // namespace drainpipe
