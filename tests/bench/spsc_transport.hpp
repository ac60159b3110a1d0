#pragma once

#include <algorithm>
#include <array>
#include <boost/lockfree/spsc_queue.hpp>
#include <vector>

#include "shared_object.hpp"
#include "spin.hpp"
#include "transport.hpp"

namespace drainpipe::bench {

// boost::lockfree::spsc_queue in shared memory: events of one size, fixed when it is compiled; no
// lock, no sleep. One event or up to `batch` to a call, on both sides.
template <std::size_t kBytes, std::size_t kRoom>
class SpscTransport : public Transport {
  public:
    explicit SpscTransport(std::size_t batch) : received_(batch) {}

    void send(const char* events, std::size_t count) override {
        const auto* const items = reinterpret_cast<const Event*>(events);
        for (std::size_t sent = 0; sent < count;) {
            const std::size_t pushed =
                count == 1 ? queue_->push(items[0]) : queue_->push(items + sent, count - sent);
            sent += pushed;
            if (pushed == 0) {
                __builtin_ia32_pause();
            }
        }
    }

    void receive(SequenceCheck& check) override {
        std::size_t count = 0;
        spin_while([&] {
            count = received_.size() == 1 ? queue_->pop(received_[0])
                                          : queue_->pop(received_.data(), received_.size());
            return count == 0;
        });
        check.see_all(received_[0].data(), count, kBytes);
    }

  private:
    using Event = std::array<char, kBytes>;
    using Queue = boost::lockfree::spsc_queue<Event, boost::lockfree::capacity<kRoom>>;

    SharedObject<Queue> queue_;
    std::vector<Event> received_;
};

}  // namespace drainpipe::bench
