#include "piped_process.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "failure.hpp"
#include "signals.hpp"

namespace drainpipe {

void PipedProcess::start(const ShellCommand& command, const std::string* argument,
                         const std::vector<std::string>& environment, std::uint64_t serial) {
    Pipe input = make_pipe();
    Pipe output = make_pipe();
    Pipe errors = make_pipe();
    for (const Descriptor* end : {&input.write_end, &output.read_end, &errors.read_end}) {
        ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
    }
    SpawnedProcess process = spawn(command, argument, environment, input.read_end.get(),
                                   output.write_end.get(), errors.write_end.get());
    pid_ = process.pid;
    serial_ = serial;
    death_ = std::move(process.pidfd);
    input_ = std::move(input.write_end);
    output_ = std::move(output.read_end);
    errors_ = std::move(errors.read_end);
    is_watched_for_room_ = false;
    try {
        watch(death_, Channel::death, EPOLL_CTL_ADD, EPOLLIN);
        watch(output_, Channel::output, EPOLL_CTL_ADD, EPOLLIN);
        watch(errors_, Channel::errors, EPOLL_CTL_ADD, EPOLLIN);
        watch(input_, Channel::input, EPOLL_CTL_ADD, 0);
    } catch (...) {
        signal(SIGKILL);
        reap();
        close_all();
        throw;
    }
}

void PipedProcess::watch(const Descriptor& descriptor, Channel channel, int operation,
                         std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = place_ * 4 + static_cast<std::uint64_t>(channel);
    if (::epoll_ctl(epoll_, operation, descriptor.get(), &event) != 0) {
        throw_errno("cannot watch a descriptor");
    }
}

void PipedProcess::watch_input(bool for_room) {
    if (for_room != is_watched_for_room_) {
        watch(input_, Channel::input, EPOLL_CTL_MOD, for_room ? std::uint32_t{EPOLLOUT} : 0);
        is_watched_for_room_ = for_room;
    }
}

// It leaves the set before it is closed: another process that is just being made may have it, and
// would keep it there for ever.
void PipedProcess::close(Descriptor& descriptor) const {
    if (descriptor.is_open()) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor.get(), nullptr);
        descriptor.reset();
    }
}

int PipedProcess::reap() {
    signal(SIGKILL);  // while its number is taken
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    close(death_);
    return status;
}

void PipedProcess::close_all() {
    for (Descriptor* descriptor : {&death_, &input_, &output_, &errors_}) {
        close(*descriptor);
    }
}

std::string describe_status(int status) {
    return WIFSIGNALED(status) ? "signal=" + signal_name(WTERMSIG(status))
                               : "status=" + std::to_string(WEXITSTATUS(status));
}

}  // namespace drainpipe
