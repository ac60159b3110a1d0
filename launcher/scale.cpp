#include "scale.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "answer.hpp"
#include "failure.hpp"
#include "gauge.hpp"
#include "inspection.hpp"
#include "role_locks.hpp"

namespace drainpipe {
namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::milliseconds kPollInterval{5};

// Signals the launcher and nobody else: a pid may pass on between two looks, the place can't.
pid_t ask_launcher(const Address& address, const RoleLocks& places, unsigned consumers) {
    const std::optional<pid_t> pid = places.holder(Role::launcher);
    const Descriptor launcher(pid ? static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)) : -1);
    if (!launcher.is_open() || places.holder(Role::launcher) != pid) {
        address.fail_not_running();
    }
    siginfo_t info{};
    info.si_signo = scale_signal();
    info.si_code = SI_QUEUE;
    info.si_pid = ::getpid();
    info.si_uid = ::getuid();
    info.si_value.sival_int = static_cast<int>(consumers);
    if (::syscall(SYS_pidfd_send_signal, launcher.get(), scale_signal(), &info, 0) != 0) {
        throw_errno("cannot reach the launcher, pid " + std::to_string(*pid));
    }
    return *pid;
}

}  // namespace

int scale_signal() { return SIGRTMIN; }

ExitCode scale(const Address& address, unsigned consumers) {
    const std::optional<RoleLocks> places = RoleLocks::find(address.lock_path());
    if (!places || inspect_segment(address.name()) != Standing::ready) {
        address.fail_not_running();
    }
    places->require_not_stopping(address.describe());
    const Gauge gauge(address.name());
    const std::uint32_t scalings = gauge.scalings();
    const pid_t launcher = ask_launcher(address, *places, consumers);
    const auto until = std::chrono::steady_clock::now() + kTimeout;
    while (gauge.scalings() == scalings) {
        places->require_not_stopping(address.describe());
        if (places->holder(Role::launcher) != launcher) {
            address.fail_not_running();
        }
        if (std::chrono::steady_clock::now() >= until) {
            throw Failure(ExitCode::software, address.describe() + " has not answered within " +
                                                  std::to_string(kTimeout.count()) + "s");
        }
        std::this_thread::sleep_for(kPollInterval);
    }
    print_answer("consumers=" + std::to_string(consumers) + "\n");
    return ExitCode::done;
}

}  // namespace drainpipe
