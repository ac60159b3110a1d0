#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "child.hpp"
#include "descriptor.hpp"
#include "pidfd.hpp"
#include "restart_policy.hpp"
#include "role_locks.hpp"

namespace drainpipe {

// A stage that the supervisor keeps running: a child of its own, or a process that was started by
// hand and took the role first.
struct ManagedProcess {
    ManagedProcess(Child::Program program, Role own_role)
        : child(std::move(program)), role(own_role) {}

    bool is_running() const { return child.is_running() || external.is_running(); }
    bool is_ready() const { return child.is_ready() || external.is_running(); }
    int death_fd() const { return child.is_running() ? child.death_fd() : external.process.get(); }
    pid_t pid() const { return child.is_running() ? child.pid() : external.pid; }
    void signal(int number) const {
        if (child.is_running()) {
            child.signal(number);
        } else if (external.is_running()) {
            send_signal(external.process, number);
        }
    }

    struct External {
        pid_t pid = 0;
        Descriptor process;  // a pidfd

        bool is_running() const { return process.is_open(); }
    };

    Child child;
    Role role;
    External external;
    RestartPolicy policy;
    bool is_wanted = false;
    bool is_to_leave = false;
    bool was_asked = false;  // the process that runs: then its leaving is no death
    // When the process that was asked is ended, if it hangs.
    std::optional<std::chrono::steady_clock::time_point> leave_by;
    bool is_on_former_lock = false;  // its role is in a lock file that was removed
    bool is_to_reopen_log = false;
    bool was_ready = false;
    std::optional<std::chrono::steady_clock::time_point> start_at;
    bool was_started = false;
    std::uint32_t restarts = 0;
    bool has_failed = false;  // it can't be started, died too often, or never became ready
};

}  // namespace drainpipe
