#pragma once

#include <filesystem>
#include <vector>

#include "console.hpp"
#include "descriptor.hpp"
#include "failure.hpp"
#include "options.hpp"
#include "role_locks.hpp"

namespace drainpipe {

// The run directory. One that was made and not kept is gone with it, unless others use it by
// now.
class RunDirectory {
  public:
    explicit RunDirectory(const Options& options);
    ~RunDirectory();
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;

    void enable() { is_to_go_ = false; }

  private:
    std::filesystem::path path_;
    bool is_to_go_;
};

// The launcher's role, and with it the pipeline's name, as long as it lives.
//
// The lock file may be removed while the pipeline runs. Its stages hold their roles in a
// file then that no other process finds, so that renew() makes another one and takes all their
// role_locks there, until each has left and its replacement takes its own. Another launcher that is
// quicker is turned away by the segment, which we hold as well, and we stop.
class NameClaim {
  public:
    // Takes the role, and waits for stages that a dead launcher left behind. Throws
    // Failure(taken) where another launcher has it, or where those stages don't leave in time or a
    // signal ends the waiting; Failure(cannot_create) where something that is no socket stands at
    // the socket's path.
    NameClaim(const Options& options, const Descriptor& signals, Console& console);

    // Removes the lock file and the socket, if that is its own, if no stage needs them. Of a start
    // that came to nothing it removes what that has made, and nothing else.
    ~NameClaim();
    NameClaim(const NameClaim&) = delete;
    NameClaim& operator=(const NameClaim&) = delete;

    RoleLocks& role_locks() { return role_locks_; }

    // Leaves the exit code to those who wait for the end of this process.
    void note_end(ExitCode code) const { role_locks_.note_end(static_cast<int>(code)); }

    // Until then no stage can join: it would find a segment that is being made. Clients are told
    // from here on where the pipeline has no socket.
    void open_to_stages();

    // Whether the lock file is still where it was made.
    bool is_current() const { return role_locks_.is_current(); }
    bool has_socket() const;

    // Whether there is to be a socket; whether a service manager holds it.
    bool takes_clients() const { return takes_clients_; }
    bool has_activated_socket() const { return is_socket_activated_; }

    // Makes run directory and lock file again, and takes the launcher's and all stages' role_locks
    // there. False where that can't be done, or another process was quicker.
    [[nodiscard]] bool renew();

    // Whether a stage of this name runs.
    bool is_used() const { return role_locks_.stage_holder().has_value(); }

  private:
    void await_left_behind(const Options& options, const Descriptor& signals,
                           Console& console) const;
    void release() const;

    Address address_;
    bool takes_clients_;
    bool is_socket_activated_;
    std::filesystem::path socket_path_;
    std::optional<gid_t> group_;
    RunDirectory run_directory_;
    RoleLocks role_locks_;
    std::vector<RoleLocks> former_locks_;  // removed, and held by stages that have not left yet
    bool is_open_ = false;                 // stages could join
};

}  // namespace drainpipe
