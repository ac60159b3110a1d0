#include "role_locks.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "failure.hpp"

namespace drainpipe {
namespace {

constexpr int kToTheEnd = 0;  // as a length
constexpr int kEnd = std::numeric_limits<int>::max();

struct flock record(short type, int first, int length) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = first;
    lock.l_len = length;
    return lock;
}

void check_file(const std::filesystem::path& path, int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) {
        throw_errno("cannot look at " + path.string());
    }
    if (!S_ISREG(info.st_mode)) {
        throw Failure(ExitCode::cannot_create, path.string() + " is not a regular file");
    }
    if (info.st_uid != ::geteuid()) {
        throw Failure(ExitCode::cannot_create, path.string() + " belongs to another user");
    }
}

bool has_processes(const Address& address) {
    try {
        const std::optional<RoleLocks> role_locks = RoleLocks::find(address.lock_path());
        return role_locks && (role_locks->holder(Role::launcher) || role_locks->stage_holder());
    } catch (const std::system_error&) {
        return false;  // it is for others to look at
    }
}

// Whether somebody listens there, as a service manager does between two runs; not so for a file
// that a killed producer has left. To connect would start a service.
bool has_listener(const Address& address) {
    constexpr std::string_view kListening = " 00010000 ";  // __SO_ACCEPTCON, the column of flags
    const std::string path = " " + address.socket_path().string();
    std::ifstream sockets("/proc/net/unix");
    for (std::string line; std::getline(sockets, line);) {
        if (line.ends_with(path) && line.find(kListening) != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

Address where_it_runs(const Address& address) {
    const std::vector<Address> candidates = address.candidates();
    if (candidates.size() == 1) {
        return address;
    }
    const auto is_running = std::ranges::find_if(candidates, has_processes);
    if (is_running != candidates.end()) {
        return *is_running;
    }
    const auto is_listened_on = std::ranges::find_if(candidates, has_listener);
    return is_listened_on != candidates.end() ? *is_listened_on : address;
}

RoleLocks::RoleLocks(std::filesystem::path path, Descriptor file)
    : path_(std::move(path)), file_(std::move(file)) {}

RoleLocks RoleLocks::make(const std::filesystem::path& path) {
    constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    Descriptor file(::open(path.c_str(), kFlags | O_EXCL, 0600));
    const bool is_new = file.is_open();
    if (!is_new) {
        file = Descriptor(::open(path.c_str(), kFlags, 0600));
    }
    if (!file.is_open()) {
        throw creation_failure("cannot open the lock " + path.string(), errno);
    }
    check_file(path, file.get());
    RoleLocks role_locks(path, std::move(file));
    role_locks.is_new_ = is_new;
    return role_locks;
}

std::optional<RoleLocks> RoleLocks::find(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.is_open()) {
        if (errno == EACCES || errno == EPERM) {
            throw_errno("cannot open the lock " + path.string());
        }
        return std::nullopt;
    }
    return RoleLocks(path, std::move(file));
}

bool RoleLocks::take_within(int first, int length) {
    const struct flock lock = record(F_WRLCK, first, length);
    if (::fcntl(file_.get(), F_SETLK, &lock) == 0) {
        return true;
    }
    if (errno != EACCES && errno != EAGAIN) {
        throw_errno("cannot lock " + path_.string());
    }
    return false;
}

bool RoleLocks::take(Role role) { return take_within(static_cast<int>(role), 1); }

bool RoleLocks::take_stages() { return take_within(static_cast<int>(Role::producer), kToTheEnd); }

void RoleLocks::wait_and_take(Role role) {
    const struct flock lock = record(F_WRLCK, static_cast<int>(role), 1);
    while (::fcntl(file_.get(), F_SETLKW, &lock) != 0) {
        if (errno != EINTR) {
            throw_errno("cannot lock " + path_.string());
        }
    }
}

void RoleLocks::leave_within(int first, int length) {
    const struct flock lock = record(F_UNLCK, first, length);
    ::fcntl(file_.get(), F_SETLK, &lock);
}

void RoleLocks::leave(Role role) { leave_within(static_cast<int>(role), 1); }

void RoleLocks::leave_stages() { leave_within(static_cast<int>(Role::producer), kToTheEnd); }

std::optional<RoleLocks::Hold> RoleLocks::hold_within(int first, int end) const {
    struct flock lock = record(F_WRLCK, first, end - first);
    if (::fcntl(file_.get(), F_GETLK, &lock) != 0) {
        throw_errno("cannot look at the locks of " + path_.string());
    }
    if (lock.l_type == F_UNLCK) {
        return std::nullopt;
    }
    const bool is_to_the_end = lock.l_len == kToTheEnd;
    return Hold{.pid = std::max(lock.l_pid, 0),
                .first = static_cast<int>(lock.l_start),
                .end = is_to_the_end ? end : static_cast<int>(lock.l_start + lock.l_len)};
}

// The kernel tells of one hold, and not always of the first.
void RoleLocks::add_holders(int first, int end, std::vector<pid_t>& pids) const {
    if (first >= end) {
        return;
    }
    if (const std::optional<Hold> hold = hold_within(first, end)) {
        add_holders(first, hold->first, pids);
        pids.push_back(hold->pid);
        add_holders(hold->end, end, pids);
    }
}

std::optional<pid_t> RoleLocks::holder(Role role) const {
    const int first = static_cast<int>(role);
    const std::optional<Hold> hold = hold_within(first, first + 1);
    return hold ? std::optional(hold->pid) : std::nullopt;
}

std::string RoleLocks::describe(pid_t pid) {
    return pid > 0 ? "pid " + std::to_string(pid) : "a process of another pid namespace";
}

std::optional<pid_t> RoleLocks::stage_holder() const {
    const std::optional<Hold> hold = hold_within(static_cast<int>(Role::producer), kEnd);
    return hold ? std::optional(hold->pid) : std::nullopt;
}

std::vector<pid_t> RoleLocks::stage_holders() const {
    std::vector<pid_t> pids;
    add_holders(static_cast<int>(Role::producer), kEnd, pids);
    return pids;
}

void RoleLocks::require_not_stopping(const std::string& pipeline) const {
    if (holder(Role::stopping)) {
        throw Failure(ExitCode::taken, pipeline + " is shutting down");
    }
}

void RoleLocks::note_end(int exit_code) const noexcept {
    const std::string text = std::to_string(exit_code) + "\n";
    [[maybe_unused]] const ssize_t count = ::pwrite(file_.get(), text.data(), text.size(), 0);
}

void RoleLocks::clear_end() const noexcept {
    [[maybe_unused]] const int result = ::ftruncate(file_.get(), 0);
}

std::optional<int> RoleLocks::noted_end() const {
    std::array<char, 8> text{};
    const ssize_t count = ::pread(file_.get(), text.data(), text.size(), 0);
    int code = 0;
    const char* const end = text.data() + std::max<ssize_t>(count, 0);
    const auto [rest, error] = std::from_chars(text.data(), end, code);
    return error == std::errc() && rest != end && *rest == '\n' ? std::optional(code)
                                                                : std::nullopt;
}

bool RoleLocks::is_current() const {
    struct stat here {};
    struct stat there {};
    return ::fstat(file_.get(), &here) == 0 && ::stat(path_.c_str(), &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

void RoleLocks::remove_file() const { ::unlink(path_.c_str()); }

}  // namespace drainpipe
