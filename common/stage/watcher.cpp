#include "watcher.hpp"

#include <poll.h>

#include <array>
#include <csignal>
#include <utility>

#include "signals.hpp"

namespace drainpipe {

Watcher::Watcher(Descriptor signals, Descriptor launcher, Calls calls)
    : signals_(std::move(signals)),
      launcher_(std::move(launcher)),
      end_(make_pipe()),
      calls_(std::move(calls)),
      thread_([this] { watch(); }) {}

Watcher::~Watcher() {
    end_.write_end.reset();
    thread_.join();
}

void Watcher::watch() {
    std::array<pollfd, 3> watched{{{signals_.get(), POLLIN, 0},
                                   {launcher_.get(), POLLIN, 0},
                                   {end_.read_end.get(), POLLIN, 0}}};
    while (true) {
        if (::poll(watched.data(), watched.size(), -1) < 0) {
            continue;
        }
        if (watched[2].revents != 0) {
            return;
        }
        if (watched[0].revents != 0) {
            take_signals();
        }
        if (watched[1].revents != 0) {
            watched[1].fd = -1;
            calls_.launcher_gone();
        }
    }
}

void Watcher::take_signals() {
    while (const int signal = take_signal(signals_)) {
        if (signal == SIGHUP) {
            calls_.reopen_log();
        } else {
            calls_.leave();
        }
    }
}

}  // namespace drainpipe
