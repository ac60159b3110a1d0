#include "name_claim.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "pidfd.hpp"
#include "poll.hpp"
#include "proc.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kBeyondGrace{1};
constexpr std::chrono::seconds kBrieflyHeld{2};
constexpr std::chrono::milliseconds kPollInterval{10};

// The last stage of a dead launcher may be removing what it left.
void await_cleaning(RoleLocks& role_locks, const Address& address) {
    // Counted in looks: time in which nothing ran does not count.
    for (auto left = kBrieflyHeld / kPollInterval; !role_locks.take(Role::cleaning); --left) {
        if (left == 0) {
            throw Failure(ExitCode::taken,
                          address.describe() + " is being cleaned up by " +
                              RoleLocks::describe(role_locks.holder(Role::cleaning).value_or(0)));
        }
        std::this_thread::sleep_for(kPollInterval);
    }
    role_locks.leave(Role::cleaning);
}

// The lock file with the launcher's role taken. A file that was removed between our opening and
// our taking it is no process's lock any more.
RoleLocks take_launcher_role(const Address& address) {
    while (true) {
        RoleLocks role_locks = RoleLocks::make(address.lock_path());
        if (role_locks.take(Role::launcher)) {
            await_cleaning(role_locks, address);
            if (role_locks.is_current()) {
                return role_locks;
            }
        } else if (const auto pid = role_locks.holder(Role::launcher)) {
            throw Failure(ExitCode::taken,
                          address.describe() + " is already running, " + RoleLocks::describe(*pid));
        }
    }
}

bool is_told_to_stop(const Descriptor& signals) {
    while (const int signal = take_signal(signals)) {
        if (is_stop_request(signal)) {
            return true;
        }
    }
    return false;
}

// Sleeps until the process is dead, a stop request has come (true), or that time. A process that
// can't be watched is looked for again in a moment.
bool await_death(pid_t pid, const Descriptor& signals, Clock::time_point until) {
    const Descriptor process = open_pidfd(pid);
    if (!process.is_open()) {
        until = std::min(until, Clock::now() + kPollInterval);
    }
    std::array<pollfd, 2> waits{{{process.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), milliseconds_until(until));
    return is_told_to_stop(signals);
}

// "pids 12,13, which drain what a dead launcher left of pipeline 'NAME' in FOLDER"
std::string describe_left_behind(const std::vector<pid_t>& stages, const Address& address) {
    const bool is_one = stages.size() == 1;
    return fmt::format("{} {}, which {} what a dead launcher left of {}", is_one ? "pid" : "pids",
                       to_text(stages), is_one ? "drains" : "drain", address.describe());
}

// What stands at the socket's path may be replaced if it is a stale socket, or nothing.
void require_free_socket(const Address& address) {
    struct stat info {};
    if (::lstat(address.socket_path().c_str(), &info) != 0 || S_ISSOCK(info.st_mode) ||
        (S_ISREG(info.st_mode) && info.st_size == 0)) {
        return;
    }
    throw Failure(ExitCode::cannot_create,
                  address.socket_path().string() + " is in the way: it is not a socket");
}

// A socket that was passed has a group already, and whoever gave it that has made its directory.
std::optional<gid_t> group_of_run_directory(const Options& options) {
    return options.activated_socket ? std::nullopt : options.socket_group;
}

}  // namespace

RunDirectory::RunDirectory(const Options& options)
    : path_(options.address.run_directory()),
      is_to_go_(options.address.prepare_run_directory(group_of_run_directory(options))) {}

RunDirectory::~RunDirectory() {
    if (is_to_go_) {
        ::rmdir(path_.c_str());
    }
}

NameClaim::NameClaim(const Options& options, const Descriptor& signals, Console& console)
    : address_(options.address),
      takes_clients_(options.source.has_socket),
      is_socket_activated_(options.activated_socket.has_value()),
      socket_path_(socket_path_of(options)),
      group_(group_of_run_directory(options)),
      run_directory_(options),
      role_locks_(take_launcher_role(options.address)) {
    role_locks_.clear_end();
    try {
        do {
            await_left_behind(options, signals, console);
        } while (!role_locks_.take_stages());
        if (takes_clients_ && !is_socket_activated_) {
            require_free_socket(options.address);
        }
    } catch (...) {
        release();
        throw;
    }
}

NameClaim::~NameClaim() { release(); }

void NameClaim::open_to_stages() {
    run_directory_.enable();
    is_open_ = true;
    if (!takes_clients_) {
        static_cast<void>(role_locks_.take(Role::no_clients));
    }
    role_locks_.leave_stages();
}

bool NameClaim::has_socket() const {
    struct stat info {};
    return ::lstat(socket_path_.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool NameClaim::renew() {
    try {
        address_.prepare_run_directory(group_);
        RoleLocks role_locks = RoleLocks::make(address_.lock_path());
        if (!role_locks.take_stages() || !role_locks.take(Role::launcher) ||
            !(takes_clients_ || role_locks.take(Role::no_clients)) || !role_locks.is_current()) {
            return false;
        }
        std::erase_if(former_locks_,
                      [](const RoleLocks& former) { return !former.stage_holder(); });
        former_locks_.push_back(std::exchange(role_locks_, std::move(role_locks)));
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

void NameClaim::release() const {
    if (is_used()) {
        return;
    }
    if (is_open_ && !is_socket_activated_ && has_socket()) {
        ::unlink(socket_path_.c_str());
    }
    if ((is_open_ || role_locks_.is_new()) && role_locks_.is_current()) {
        role_locks_.remove_file();
    }
}

void NameClaim::await_left_behind(const Options& options, const Descriptor& signals,
                                  Console& console) const {
    const Clock::time_point until = Clock::now() + options.grace + kBeyondGrace;
    bool was_said = false;
    for (std::vector<pid_t> stages; !(stages = role_locks_.stage_holders()).empty();) {
        const std::string who = describe_left_behind(stages, options.address);
        if (!was_said) {
            console.say("waiting for " + who);
            was_said = true;
        }
        if (await_death(stages.front(), signals, until) || Clock::now() >= until) {
            throw Failure(ExitCode::taken, "no longer waiting for " + who);
        }
    }
}

}  // namespace drainpipe
