#include "spawn.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

#include "failure.hpp"
#include "pidfd.hpp"

extern char** environ;

namespace drainpipe {
namespace {

constexpr const char* kShell = "/bin/sh";

// What is passed to execve(), as it wants it.
class Texts {
  public:
    void add(const std::string& text) { pointers_.push_back(const_cast<char*>(text.c_str())); }
    void add(const char* text) { pointers_.push_back(const_cast<char*>(text)); }
    char* const* end() {
        pointers_.push_back(nullptr);
        return pointers_.data();
    }

  private:
    std::vector<char*> pointers_;
};

bool has_name_of(std::string_view variable, const std::vector<std::string>& others) {
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    for (const std::string& other : others) {
        if (other.starts_with(name)) {
            return true;
        }
    }
    return false;
}

// All between vfork and exec. It runs in the parent's memory: nothing is allocated or changed here
// but `error`, which the parent reads.
struct NewProcess {
    const char* program;  // null where the shell runs it
    char* const* words;
    char* const* shell_words;
    char* const* environment;
    std::array<int, 3> standard;
    pid_t parent;
    volatile int error = 0;

    [[noreturn]] void become() {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) {
            ::_exit(0);
        }
        unblock_signals();
        for (int fd = 0; fd < 3; ++fd) {
            if (::dup2(standard[static_cast<std::size_t>(fd)], fd) < 0) {
                give_up();
            }
        }
        if (program != nullptr) {
            ::execve(program, words, environment);
            if (errno == E2BIG) {
                give_up();
            }
        }
        ::execve(kShell, shell_words, environment);
        give_up();
    }

  private:
    static void unblock_signals() {
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    [[noreturn]] void give_up() {
        error = errno;
        ::_exit(127);
    }
};

// A handler must not run in the child while it has the parent's memory.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_;
};

// Apart, so that nothing of the caller's lives in registers that both processes use.
[[gnu::noinline]] pid_t vfork_and_become(NewProcess& process) {
    const pid_t pid = ::vfork();
    if (pid == 0) {
        process.become();
    }
    return pid;
}

pid_t start(NewProcess& process) {
    const SignalsBlocked blocked;
    return vfork_and_become(process);
}

}  // namespace

SpawnedProcess spawn(const ShellCommand& command, const std::string* argument,
                     const std::vector<std::string>& environment, int input, int output,
                     int errors) {
    Texts variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if (!has_name_of(*variable, environment)) {
            variables.add(*variable);
        }
    }
    for (const std::string& variable : environment) {
        variables.add(variable);
    }
    Texts words;
    for (const std::string& word : command.words()) {
        words.add(word);
    }
    Texts shell_words;
    for (const char* word : {"sh", "-c"}) {
        shell_words.add(word);
    }
    shell_words.add(command.text());
    shell_words.add("drainpipe");
    if (argument != nullptr) {
        shell_words.add(*argument);
    }
    NewProcess process{.program = command.program().empty() ? nullptr : command.program().c_str(),
                       .words = words.end(),
                       .shell_words = shell_words.end(),
                       .environment = variables.end(),
                       .standard = {input, output, errors},
                       .parent = ::getpid()};
    // The pidfd's number is there when the process is: one that runs can't be taken back.
    Descriptor reserved(::fcntl(input, F_DUPFD_CLOEXEC, 3));
    if (!reserved.is_open()) {
        throw_errno("cannot start a process");
    }
    const pid_t pid = start(process);
    reserved.reset();
    if (pid < 0) {
        throw_errno("cannot start a process");
    }
    if (process.error != 0) {
        ::waitpid(pid, nullptr, 0);
        if (process.error == E2BIG && argument != nullptr) {
            return spawn(command, nullptr, environment, input, output, errors);
        }
        throw std::system_error(process.error, std::generic_category(),
                                "cannot execute '" + command.text() + "'");
    }
    Descriptor pidfd = open_pidfd(pid);
    if (!pidfd.is_open()) {
        const int error = errno;
        signal_group(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        throw std::system_error(error, std::generic_category(), "cannot watch a process");
    }
    return {pid, std::move(pidfd)};
}

void signal_group(pid_t pid, int signal) noexcept { ::kill(-pid, signal); }

}  // namespace drainpipe
