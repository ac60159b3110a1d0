#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "address.hpp"
#include "descriptor.hpp"

namespace drainpipe {

// A role in a pipeline that one process at a time may hold: a byte of the lock file.
enum class Role : int {
    launcher = 0,
    stopping = 1,    // held by a launcher whose intake is closing or closed
    cleaning = 2,    // held while the pipeline's files are taken away
    output = 3,      // held by a consumer while it writes to the output that all share
    no_clients = 4,  // held by a launcher whose events come from elsewhere than from clients
    producer = 8,
    consumer = 16,  // the first one; the others follow
};

// The role of the consumer of that number, from 0.
constexpr Role consumer_role(unsigned number) {
    return static_cast<Role>(static_cast<int>(Role::consumer) + static_cast<int>(number));
}

// Where a launcher of this name runs, of the address's candidates; where none does, or none that
// may be looked at, the first one whose socket is listened on, as a service manager does
// between two runs; else the address.
Address where_it_runs(const Address& address);

// The lock file of a pipeline.
//
// A role is held with the kernel's record lock on its byte, so that it is free the moment its
// holder is dead, whatever the file says, and the kernel knows the holder's pid. Record locks go
// when the process closes *any* descriptor of the file: open it once a process.
class RoleLocks {
  public:
    // Opens the lock file and makes it, 0600, if it is not there. Throws Failure(cannot_create) if
    // what stands there is no regular file of this user.
    static RoleLocks make(const std::filesystem::path& path);

    // Opens the lock file of a pipeline that may not be there.
    static std::optional<RoleLocks> find(const std::filesystem::path& path);

    // Takes a role; false when another process holds it.
    [[nodiscard]] bool take(Role role);
    void wait_and_take(Role role);
    void leave(Role role);

    // The same for the roles of all stages at once.
    [[nodiscard]] bool take_stages();
    void leave_stages();

    // Who holds a role: a pid, or 0 for a process of another pid namespace, which can't be seen
    // from here. A process never sees its own. describe() has it in words: "pid 123".
    std::optional<pid_t> holder(Role role) const;
    static std::string describe(pid_t pid);

    // Who holds a stage's role: one of them, and all, in the order of their roles.
    std::optional<pid_t> stage_holder() const;
    std::vector<pid_t> stage_holders() const;

    // How the launcher ends: written into the file by its holder just before, and read by who has
    // the file open, whether it has a name any more or not. Nothing where it was killed.
    void note_end(int exit_code) const noexcept;
    void clear_end() const noexcept;
    std::optional<int> noted_end() const;

    // Whether the path still leads to this file: it may have been removed by its last user between
    // the opening and the taking.
    bool is_current() const;

    // Whether make() made it: it was not there.
    bool is_new() const { return is_new_; }

    void remove_file() const;

    // Throws Failure(taken) where a launcher closes the intake or has closed it. `pipeline` is
    // whose lock this is, in words.
    void require_not_stopping(const std::string& pipeline) const;

  private:
    RoleLocks(std::filesystem::path path, Descriptor file);
    bool take_within(int first, int length);
    void leave_within(int first, int length);
    struct Hold {
        pid_t pid;
        int first;
        int end;
    };
    // One of those who hold any of the roles [first, end).
    std::optional<Hold> hold_within(int first, int end) const;
    void add_holders(int first, int end, std::vector<pid_t>& pids) const;

    std::filesystem::path path_;
    Descriptor file_;
    bool is_new_ = false;
};

}  // namespace drainpipe
