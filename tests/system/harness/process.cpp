#include "process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "files.hpp"

namespace harness {
namespace {

std::vector<std::string> environment_for(const Command& command) {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        const bool is_ours = text.starts_with("DRAINPIPE_");
        const bool is_replaced =
            command.environment.contains(std::string(text.substr(0, text.find('='))));
        if (!is_ours && !is_replaced) variables.emplace_back(text);
    }
    for (const auto& [name, value] : command.environment) variables.push_back(name + "=" + value);
    return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

bool redirect(const std::filesystem::path& path, int flags, int fd) {
    const int opened = ::open(path.c_str(), flags, 0644);
    return opened >= 0 && ::dup2(opened, fd) == fd && (opened == fd || ::close(opened) == 0);
}

void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool pass_on(int fd) {
    constexpr int kPassed = 3;
    return ::dup2(fd, kPassed) == kPassed && ::fcntl(kPassed, F_SETFD, 0) == 0;
}

bool become(const Command& command) {
    constexpr int kWrite = O_WRONLY | O_CREAT | O_APPEND;
    if (!redirect(command.input, O_RDONLY, STDIN_FILENO)) return false;
    if (!redirect(command.output, kWrite, STDOUT_FILENO)) return false;
    if (!redirect(command.errors, kWrite, STDERR_FILENO)) return false;
    if (command.passed && !pass_on(*command.passed)) return false;
    if (command.user && (::setgroups(0, nullptr) != 0 || ::setgid(*command.user) != 0 ||
                         ::setuid(*command.user) != 0)) {
        return false;
    }
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) return false;
    // A test that is killed takes its processes along.
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

}  // namespace

Process::Process(const Command& command) : output_(command.output), errors_(command.errors) {
    auto words = command.words;
    auto variables = environment_for(command);
    const auto argument_pointers = pointers_to(words);
    const auto variable_pointers = pointers_to(variables);
    // A signal that comes before the program is there must end the child, not run the test's
    // handlers.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    pid_ = ::fork();
    if (pid_ != 0) ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
        reset_signals();
        if (become(command)) {
            ::execve(argument_pointers[0], argument_pointers.data(), variable_pointers.data());
        }
        ::_exit(127);
    }
}

Process::~Process() { finish(); }

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      result_(other.result_),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        finish();
        pid_ = std::exchange(other.pid_, 0);
        result_ = other.result_;
        output_ = std::move(other.output_);
        errors_ = std::move(other.errors_);
    }
    return *this;
}

int Process::wait(std::chrono::milliseconds limit) {
    const auto has_ended = [this] {
        if (result_) return true;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
        result_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        return true;
    };
    return await(has_ended, limit) ? *result_ : kStillRunning;
}

void Process::send(int signal) {
    if (pid_ > 0 && !result_) ::kill(pid_, signal);
}

std::string Process::output() const { return read_text(output_); }

std::string Process::errors() const { return read_text(errors_); }

void Process::finish() noexcept {
    if (pid_ <= 0 || result_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

Outcome run(Command command, std::chrono::milliseconds limit) {
    const TemporaryDirectory directory("dp-run");
    command.output = directory.path() / "output";
    command.errors = directory.path() / "errors";
    const Stopwatch watch;
    Process process(command);
    const int code = process.wait(limit);
    return {code, process.output(), process.errors(), watch.elapsed()};
}

Command after(const std::string& line, Command command) {
    const std::vector<std::string> shell = {"/bin/sh", "-c", line, "sh"};
    command.words.insert(command.words.begin(), shell.begin(), shell.end());
    return command;
}

}  // namespace harness
