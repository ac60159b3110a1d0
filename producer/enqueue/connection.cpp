#include "connection.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "failure.hpp"
#include "places.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPatience{800};
constexpr std::chrono::milliseconds kBetweenTries{10};

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
    const std::optional<Places> places = Places::find(address.lock_path());
    const bool has_launcher = places && places->holder(Place::launcher);
    if (!has_launcher && !(places && places->stage_holder())) {
        address.fail_not_running();
    }
    if (!has_launcher) {
        throw Failure(ExitCode::taken, address.in_words() + " is shutting down");
    }
    places->require_not_stopping(address.in_words());
}

}  // namespace

Descriptor connect_to_intake(const Address& address) {
    const Clock::time_point deadline = Clock::now() + kPatience;
    while (true) {
        if (Descriptor connection = try_to_connect(address); connection.is_open()) {
            return connection;
        }
        if (errno == EACCES || errno == EPERM) {
            throw_errno("cannot connect to " + address.socket_path().string());
        }
        require_running(address);
        if (Clock::now() >= deadline) {
            throw Failure(ExitCode::taken, "the intake " + address.socket_path().string() +
                                               " does not answer; try again");
        }
        std::this_thread::sleep_for(kBetweenTries);
    }
}

}  // namespace drainpipe
