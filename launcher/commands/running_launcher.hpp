#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "address.hpp"
#include "descriptor.hpp"
#include "gauge.hpp"
#include "role_locks.hpp"

namespace drainpipe {

// The launcher that runs a pipeline, as a command finds it: by the lock that it holds. Nothing is
// locked or changed by looking.
class RunningLauncher {
  public:
    // Of that name, at the address or, where no run directory was named, in any of the default
    // ones. Nothing where none runs. Throws Failure(no_permission) where the pipeline is another
    // user's.
    static std::optional<RunningLauncher> find(const Address& address);

    const Address& address() const { return address_; }

    // Whether it is there still.
    bool is_there() const { return role_locks_.holder(Role::launcher) == pid_; }
    pid_t pid() const { return pid_; }  // 0 where it can't be seen from here

    // How it has ended, where it has said it.
    std::optional<int> noted_end() const { return role_locks_.noted_end(); }

    // Readable when it is dead; -1 where it can't be seen from this pid namespace.
    int death_fd() const { return process_.get(); }

    // Sends it the signal, or, where it can't be seen from here, the command that says the same.
    // Throws Failure(unavailable) where it is gone.
    void signal(int number, const std::string& command) const;

    // The mapped segment of the run that it has begun; nothing while there is none, or no more.
    std::optional<Gauge> open_gauge() const;

  private:
    RunningLauncher(Address address, RoleLocks role_locks, pid_t pid);

    Address address_;
    RoleLocks role_locks_;
    pid_t pid_;  // 0 where it can't be seen from here
    Descriptor process_;
};

// What an earlier run has left, and is there for the next one; nothing where no segment is.
std::optional<Account> account_of_left(const Address& address);

}  // namespace drainpipe
