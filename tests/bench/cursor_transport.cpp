#include "cursor_transport.hpp"

#include <algorithm>
#include <cstring>

#include "spin.hpp"

namespace drainpipe::bench {

CursorTransport::CursorTransport(const Load& load)
    : load_(load), cursors_(load.room * load.bytes) {}

void CursorTransport::send(const char* events, std::size_t count) {
    std::uint64_t sent = cursors_->sent.load(std::memory_order_relaxed);
    while (count > 0) {
        if (sent - received_seen_ == load_.room) {
            spin_while([&] {
                received_seen_ = cursors_->received.load(std::memory_order_acquire);
                return sent - received_seen_ == load_.room;
            });
        }
        const std::size_t at = sent % load_.room;
        const std::size_t piece =
            std::min({count, load_.room - at, load_.room - (sent - received_seen_)});
        std::memcpy(cursors_.extra() + at * load_.bytes, events, piece * load_.bytes);
        events += piece * load_.bytes;
        count -= piece;
        sent += piece;
        cursors_->sent.store(sent, std::memory_order_release);
    }
}

void CursorTransport::receive(SequenceCheck& check) {
    const std::uint64_t received = cursors_->received.load(std::memory_order_relaxed);
    std::uint64_t sent = received;
    spin_while([&] {
        sent = cursors_->sent.load(std::memory_order_acquire);
        return sent == received;
    });
    const std::size_t at = received % load_.room;
    const std::size_t count = std::min<std::size_t>(sent - received, load_.room - at);
    check.see_all(cursors_.extra() + at * load_.bytes, count, load_.bytes);
    cursors_->received.store(received + count, std::memory_order_release);
}

}  // namespace drainpipe::bench
