#include "interruption.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace soak {

Interruption::Interruption() : fd_(-1) {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "make a signalfd");
}

Interruption::~Interruption() { ::close(fd_); }

void Interruption::check() const {
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof info) == sizeof info) {
        throw Interrupted(static_cast<int>(info.ssi_signo));
    }
}

}  // namespace soak
