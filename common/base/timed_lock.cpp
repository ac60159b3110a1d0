#include "timed_lock.hpp"

#include <chrono>
#include <thread>

namespace drainpipe {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::microseconds kTimeout = 20ms;
constexpr std::chrono::microseconds kBetweenTries = 100us;

}  // namespace

bool TimedLock::take(const std::function<Found()>& try_lock) {
    const auto timeout = was_in_vain_ ? 0us : kTimeout;
    for (auto waited = 0us;; waited += kBetweenTries) {
        const Found found = try_lock();
        if (found == Found::free) {
            was_in_vain_ = false;
            return true;
        }
        if (found == Found::busy) {
            waited = 0us;
        }
        if (found == Found::impossible || (found == Found::held && waited >= timeout)) {
            was_in_vain_ = found == Found::held;
            return false;
        }
        std::this_thread::sleep_for(kBetweenTries);
    }
}

}  // namespace drainpipe
