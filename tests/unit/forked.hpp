#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

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

// Whether that process, of one thread, is asleep in the kernel now.
inline bool is_asleep(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const std::size_t state = stat.rfind(')') + 2;  // behind "PID (NAME) "
    return state < stat.size() && stat[state] == 'S';
}

}  // namespace drainpipe::test
