#include "signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "failure.hpp"

namespace drainpipe {

Descriptor claim_signals(std::initializer_list<int> signals) {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : signals) {
        sigaddset(&blocked, signal);
    }
    if (::pthread_sigmask(SIG_SETMASK, &blocked, nullptr) != 0) {
        throw_errno("cannot block signals");
    }
    // An ignored signal (nohup) would never reach the descriptor.
    for (const int signal : signals) {
        ::signal(signal, SIG_DFL);
    }
    ::signal(SIGCHLD, SIG_DFL);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);
    ::signal(SIGTTOU, SIG_IGN);

    Descriptor descriptor(::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor.is_open()) {
        throw_errno("cannot make a signal descriptor");
    }
    return descriptor;
}

int take_signal(const Descriptor& signals) {
    int value = 0;
    return take_signal(signals, value);
}

int take_signal(const Descriptor& signals, int& value) {
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) {
        return 0;
    }
    value = info.ssi_int;
    return static_cast<int>(info.ssi_signo);
}

bool is_stop_request(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

std::string signal_name(int signal) {
    const char* const name = ::sigabbrev_np(signal);
    return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace drainpipe
