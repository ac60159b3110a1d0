#include "scale.hpp"

#include <chrono>
#include <optional>
#include <thread>

#include "answer.hpp"
#include "control_socket.hpp"
#include "failure.hpp"
#include "gauge.hpp"
#include "inspection.hpp"
#include "role_locks.hpp"

namespace drainpipe {
namespace {

constexpr std::chrono::seconds kTimeout{5};

}  // namespace

ExitCode scale(const Address& address, unsigned consumers) {
    const std::optional<RoleLocks> role_locks = RoleLocks::find(address.lock_path());
    if (!role_locks || inspect_segment(address.name()) != Standing::ready) {
        address.fail_not_running();
    }
    role_locks->require_not_stopping(address.describe());
    const Gauge gauge(address.name());
    const std::uint32_t scalings = gauge.scalings();
    const std::optional<pid_t> launcher = role_locks->holder(Role::launcher);
    if (!launcher ||
        !ControlSocket::send(address.control_path(), "scale " + std::to_string(consumers))) {
        address.fail_not_running();
    }
    const auto until = std::chrono::steady_clock::now() + kTimeout;
    while (gauge.scalings() == scalings) {
        role_locks->require_not_stopping(address.describe());
        if (role_locks->holder(Role::launcher) != launcher) {
            address.fail_not_running();
        }
        if (std::chrono::steady_clock::now() >= until) {
            throw Failure(ExitCode::software, address.describe() + " has not answered within " +
                                                  std::to_string(kTimeout.count()) + "s");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    print_answer("consumers=" + std::to_string(consumers) + "\n");
    return ExitCode::done;
}

}  // namespace drainpipe
