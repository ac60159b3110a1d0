#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "event_state.hpp"
#include "word.hpp"

namespace drainpipe {

// How a child of the launcher stands.
enum class ChildState : std::uint8_t {
    gone = 0,      // there is none, and none is to be started
    starting = 1,  // it has not reported that it is ready
    running = 2,
    waiting = 3,  // for its restart
};

// What the launcher knows of a child, for those who look. It alone writes it; a reader gets what
// belongs together, without a lock.
class ChildRecord {
  public:
    struct Content {
        std::int32_t pid;  // in the launcher's pid namespace; 0 where none runs
        ChildState state;
        std::int64_t started_at;  // monotonic clock, in ns; 0 where none runs
        std::uint32_t restarts;   // in this run; modulo 2^24

        bool operator==(const Content&) const = default;
    };

    Content read() const;
    // Requires that no other process writes.
    void write(const Content& content);
    void reset() { write({}); }

  private:
    // pid, restarts, which of the times is meant, and the state: all change by one store.
    Word<std::uint64_t> process_;
    std::array<Part<std::int64_t>, 2> started_at_;
};

// Why a pipeline stops.
enum class StopReason : std::uint32_t {
    none = 0,
    sigterm = 1,
    sigint = 2,
    sigquit = 3,
    end_of_file = 4,
    end_of_source = 5,
    failure = 6,
    segment_removed = 7,
    lock_removed = 8,
};
inline constexpr std::size_t kStopReasons = 9;

// As `stopping reason=` has it.
const char* to_text(StopReason reason);

// The run as its launcher sees it. Written by the launcher alone.
struct Supervision {
    Word<std::int64_t> started_at;      // monotonic clock, in ns
    Word<std::uint64_t> pid_namespace;  // of the pids: the inode of its file in /proc
    Word<StopReason> stop_reason;       // none before a stop is requested
    ChildRecord producer;
    std::array<ChildRecord, kMaxConsumers> consumers;
};

static_assert(sizeof(ChildRecord) == 24);
static_assert(sizeof(Supervision) == 24 + 24 * (1 + kMaxConsumers));

}  // namespace drainpipe
