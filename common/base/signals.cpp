#include "signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "failure.hpp"

namespace drainpipe {
namespace {

// No program has a use for them, and by default they end or stop it, or fail a write with death.
constexpr std::array kUnused{SIGPIPE,   SIGXFSZ, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM,  SIGPROF,
                             SIGVTALRM, SIGIO,   SIGPWR,  SIGURG,  SIGXCPU, SIGWINCH, SIGSTKFLT};

}  // namespace

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
    const auto ignore_unless_listed = [&signals](int signal) {
        if (std::ranges::find(signals, signal) == signals.end()) {
            ::signal(signal, SIG_IGN);
        }
    };
    std::ranges::for_each(kUnused, ignore_unless_listed);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
        ignore_unless_listed(signal);
    }

    Descriptor descriptor(::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor.is_open()) {
        throw_errno("cannot make a signal descriptor");
    }
    return descriptor;
}

void handle_ignored_signals() {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
            action.sa_handler == SIG_IGN) {
            action.sa_handler = [](int) {};
            action.sa_flags = SA_RESTART;
            ::sigaction(signal, &action, nullptr);
        }
    }
}

int take_signal(const Descriptor& signals) {
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) {
        return 0;
    }
    return static_cast<int>(info.ssi_signo);
}

bool is_stop_request(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

void ignore_job_control() {
    ::signal(SIGTSTP, SIG_IGN);
    ::signal(SIGTTIN, SIG_IGN);
}

void release_signals() {
    ::signal(SIGTSTP, SIG_DFL);
    ::signal(SIGTTIN, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

std::string signal_name(int signal) {
    const char* const name = ::sigabbrev_np(signal);
    return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace drainpipe
