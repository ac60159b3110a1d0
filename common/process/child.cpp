#include "child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "failure.hpp"
#include "pidfd.hpp"
#include "signals.hpp"

namespace drainpipe {
namespace {

constexpr int kReadyFd = 3;
constexpr int kSocketFd = 4;

// Everything between fork and exec: no memory is allocated here, and on any failure errno goes to
// the parent, through the pipe that the stage would report ready by. The parent does not wait for
// it: a child may be stopped here as anywhere else.
class Becoming {
  public:
    Becoming(const Child::Program& program, const char* path, char* const* arguments,
             bool has_group, pid_t parent)
        : path_(path),
          arguments_(arguments),
          has_output_(program.has_output),
          has_input_(program.has_input),
          input_(program.input),
          socket_(program.socket),
          has_group_(has_group),
          parent_(parent) {}

    [[noreturn]] void run(int ready) const {
        if (has_group_) {
            ::setpgid(0, 0);
        }
        // Until the stage watches this process itself it would be an orphan that no process ends.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent_) {
            ::_exit(0);  // the launcher died before it could be said
        }
        restore_signals();
        if (set_descriptors(ready)) {
            ::execv(path_, arguments_);
        }
        const int error = errno;
        [[maybe_unused]] const ssize_t count = ::write(ready, &error, sizeof error);
        ::_exit(127);
    }

  private:
    static void restore_signals() {
        for (int number = 1; number < NSIG; ++number) {
            ::signal(number, SIG_DFL);
        }
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    bool set_descriptors(int ready) const {
        const int nothing = ::open("/dev/null", O_RDWR);
        const int input = input_ >= 0 ? input_ : nothing;
        const int first_closed = socket_ >= 0 ? kSocketFd + 1 : kReadyFd + 1;
        return nothing >= 0 && (has_input_ || ::dup2(input, STDIN_FILENO) >= 0) &&
               (has_output_ || ::dup2(nothing, STDOUT_FILENO) >= 0) && pass_socket() &&
               ::dup2(ready, kReadyFd) >= 0 &&
               ::syscall(SYS_close_range, first_closed, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
    }

    // Before its number may be taken by another one.
    bool pass_socket() const {
        return socket_ < 0 ||
               (::dup2(socket_, kSocketFd) >= 0 && ::fcntl(kSocketFd, F_SETFD, 0) == 0);
    }

    const char* path_;
    char* const* arguments_;
    bool has_output_;
    bool has_input_;
    int input_;
    int socket_;
    bool has_group_;
    pid_t parent_;
};

// A descriptor above those that the child will rearrange.
Descriptor out_of_the_way(const Descriptor& descriptor) {
    Descriptor moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kSocketFd + 1));
    if (!moved.is_open()) {
        throw_errno("cannot duplicate a descriptor");
    }
    return moved;
}

// An upgrade puts other files in the place of those of a pipeline that runs: it goes on with its
// own.
std::string path_to_start(const Child::Program& program) {
    struct stat held {};
    struct stat there {};
    const bool has_changed = program.file != nullptr && ::fstat(program.file->get(), &held) == 0 &&
                             (::stat(program.path.c_str(), &there) != 0 ||
                              held.st_dev != there.st_dev || held.st_ino != there.st_ino);
    return has_changed ? "/proc/self/fd/" + std::to_string(program.file->get())
                       : program.path.string();
}

}  // namespace

std::shared_ptr<const Descriptor> Child::hold(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
    return file.is_open() ? std::make_shared<const Descriptor>(out_of_the_way(file)) : nullptr;
}

std::string Ending::describe() const {
    return was_killed ? "signal=" + signal_name(number) : "status=" + std::to_string(number);
}

void Child::start() {
    Pipe ready = make_pipe();
    ready.write_end = out_of_the_way(ready.write_end);
    ::fcntl(ready.read_end.get(), F_SETFL, O_NONBLOCK);

    std::vector<std::string> words{program_.path.string()};
    words.insert(words.end(), program_.arguments.begin(), program_.arguments.end());
    words.push_back("--ready-fd=" + std::to_string(kReadyFd));
    if (program_.socket >= 0) {
        words.push_back("--socket-fd=" + std::to_string(kSocketFd));
    }
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);

    // A terminal stops or refuses who reads from it and is of another group than the launcher's.
    const bool has_group = !program_.has_input || ::isatty(STDIN_FILENO) == 0;
    const std::string path = path_to_start(program_);
    const Becoming becoming(program_, path.c_str(), arguments.data(), has_group, ::getpid());
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw_errno("cannot start " + program_.path.string());
    }
    if (pid == 0) {
        becoming.run(ready.write_end.get());
    }
    if (has_group) {
        ::setpgid(pid, pid);
    }
    pid_ = pid;
    pidfd_ = open_pidfd(pid);
    if (!pidfd_.is_open()) {
        const int error = errno;
        kill();
        ::waitpid(pid, nullptr, 0);
        pid_ = 0;
        throw std::system_error(error, std::generic_category(), "cannot watch a child");
    }
    is_ready_ = false;
    started_at_ = std::chrono::steady_clock::now();
    ready_ = std::move(ready.read_end);
    exec_failure_.clear();
}

bool Child::read_ready() {
    std::array<char, 16> said;
    const ssize_t count = ready_.is_open() ? ::read(ready_.get(), said.data(), said.size()) : -1;
    if (count < 0) {
        return false;
    }
    int error = 0;
    if (count == sizeof error) {
        std::memcpy(&error, said.data(), sizeof error);
        exec_failure_ = "cannot execute " + program_.path.string() + ": " + std::strerror(error);
    }
    is_ready_ = count > 0 && error == 0;
    ready_.reset();
    return true;
}

std::optional<Ending> Child::reap() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) {
        return std::nullopt;
    }
    const pid_t pid = std::exchange(pid_, 0);
    read_ready();
    ready_.reset();
    pidfd_.reset();
    is_ready_ = false;
    return WIFSIGNALED(status) ? Ending{pid, true, WTERMSIG(status)}
                               : Ending{pid, false, WEXITSTATUS(status)};
}

void Child::signal(int number) const {
    if (is_running()) {
        ::kill(pid_, number);
    }
}

void Child::kill() const {
    if (is_running()) {
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
    }
}

}  // namespace drainpipe
