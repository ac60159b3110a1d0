#pragma once

namespace drainpipe::bench {

// Waits without sleeping: the other side has a core of its own.
template <typename Condition>
void spin_while(Condition condition) {
    while (condition()) {
        __builtin_ia32_pause();
    }
}

inline void pause_for(int times) {
    for (int count = 0; count < times; ++count) {
        __builtin_ia32_pause();
    }
}

}  // namespace drainpipe::bench
