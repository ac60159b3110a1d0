#include "running_launcher.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "control_socket.hpp"
#include "failure.hpp"
#include "inspection.hpp"
#include "pidfd.hpp"
#include "proc.hpp"

namespace drainpipe {
namespace {

void require_own_segment(const std::string& name) {
    const std::string path = segment_path(name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0 && info.st_uid != ::geteuid()) {
        throw Failure(ExitCode::no_permission, "the pipeline '" + name + "' is another user's (" +
                                                   path + " belongs to uid " +
                                                   std::to_string(info.st_uid) + ")");
    }
}

// Whether the pids in it mean something here.
bool has_own_pids(const Gauge& gauge) {
    return gauge.header().supervision.pid_namespace.load() == own_pid_namespace();
}

}  // namespace

RunningLauncher::RunningLauncher(Address address, RoleLocks role_locks, pid_t pid)
    : address_(std::move(address)), role_locks_(std::move(role_locks)), pid_(pid) {
    if (pid_ > 0) {
        process_ = open_pidfd(pid_);
    }
}

std::optional<RunningLauncher> RunningLauncher::find(const Address& address) {
    require_own_segment(address.name());
    Address where = where_it_runs(address);
    std::optional<RoleLocks> role_locks = RoleLocks::find(where.lock_path());
    const std::optional<pid_t> pid = role_locks ? role_locks->holder(Role::launcher) : std::nullopt;
    if (!pid) {
        return std::nullopt;
    }
    RunningLauncher launcher(std::move(where), std::move(*role_locks), *pid);
    // The pid may have been another process's by the time it was opened.
    return launcher.is_there() ? std::optional(std::move(launcher)) : std::nullopt;
}

void RunningLauncher::signal(int number, const std::string& command) const {
    if (process_.is_open() && is_there()) {
        send_signal(process_, number);
    } else if (pid_ > 0 || !ControlSocket::send(address_.control_path(), command)) {
        address_.fail_not_running();
    }
}

std::optional<Gauge> RunningLauncher::open_gauge() const {
    if (inspect_segment(address_.name()) != Standing::ready) {
        return std::nullopt;
    }
    std::optional<Gauge> gauge(std::in_place, address_.name());
    // An earlier launcher's run may stand there until this one has begun its own.
    const bool has_begun = gauge->header().supervision.started_at.load() != 0;
    const bool is_its = pid_ == 0 || gauge->launcher_pid() == pid_ || !has_own_pids(*gauge);
    return has_begun && is_its ? std::move(gauge) : std::nullopt;
}

std::optional<Account> account_of_left(const Address& address) {
    return inspect_segment(address.name()) == Standing::ready
               ? std::optional(Gauge(address.name()).read())
               : std::nullopt;
}

}  // namespace drainpipe
