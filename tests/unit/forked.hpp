#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace drainpipe::test {

// A process that runs `body` and kills itself with SIGKILL behind it, if not before.
template <typename Body>
pid_t fork_to_die(Body&& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        body();
        ::kill(::getpid(), SIGKILL);
    }
    return pid;
}

// Waits until it is dead; whether SIGKILL did it.
inline bool was_killed(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace drainpipe::test
