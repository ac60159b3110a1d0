#pragma once

#include <pthread.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "doorbell.hpp"
#include "word.hpp"

namespace drainpipe {

// What lies where in the segment, and who may write it.
//
//     Header | slots | first attempts | (to the next page) | payload buffer
//
// Cursors count events since the segment was made and only grow; id n is event n - 1. Event n has
// slot n % slots. Always head <= tail and head <= begun <= tail. In flight is
// [head, min(demanded, tail)), buffered is what follows it: both derived, never stored.
//
// A change of this file is a change of kLayoutVersion.
inline constexpr std::uint32_t kLayoutVersion = 1;
inline constexpr std::array<char, 8> kMagic{'D', 'R', 'A', 'I', 'N', 'P', 'I', 'P'};
inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kLineBytes = 64;

// Where the payload of an event lies: bytes [begin, begin + length) of all the payload bytes since
// the segment was made, counted modulo 2^32. The buffer's span is a power of two of at most 2^31,
// so that differences are exact (full is not empty) and `begin` modulo the span is the place.
struct Slot {
    std::uint32_t begin;
    std::uint32_t length;
};

// The low 16 bits of the attachment under which an event was begun first.
using FirstAttempt = std::uint16_t;

// How large the parts are. Written before the version, constant from then on.
struct Shape {
    std::uint64_t capacity;      // events that the ring can hold, at most `slots`
    std::uint64_t slots;         // a power of two
    std::uint64_t buffer_bytes;  // payload bytes that the ring can hold, at most `buffer_span`
    std::uint64_t buffer_span;   // a power of two, whole pages

    static constexpr std::uint64_t kMaxCapacity = std::uint64_t{1} << 28;
    static constexpr std::uint64_t kMaxBuffer = std::uint64_t{1} << 31;

    // The shape for at most `capacity` events and `buffer_bytes` of payload. Requires
    // 1 <= capacity <= kMaxCapacity and 1 <= buffer_bytes <= kMaxBuffer.
    static Shape of(std::uint64_t capacity, std::uint64_t buffer_bytes);

    // Whether of() could have made it.
    bool is_sound() const;

    std::size_t slots_offset() const;
    std::size_t first_attempts_offset() const;
    std::size_t buffer_offset() const;
    std::size_t segment_bytes() const;

    bool operator==(const Shape&) const = default;
};

// What the run was asked for. Written by the launcher before it starts a stage.
struct Settings {
    std::uint64_t max_demand;
    std::uint64_t min_demand;
    std::int64_t grace_microseconds;
    std::int64_t event_delay_microseconds;
    std::array<char, 4096> log_folder;  // absolute, ends with a zero
};

// How far the run is. Only the launcher moves it, and only forward.
enum class Phase : std::uint32_t {
    running = 0,
    stopping = 1,  // the intake is to close
    draining = 2,  // no producer is left: the consumer is to drain and leave
};

// How often consumers attached to events that a dead one had begun, and how many events that were,
// in one word so that it changes by one store.
struct Attachments {
    static constexpr std::uint64_t kMostRedelivered = (std::uint64_t{1} << 48) - 1;

    std::uint64_t redelivered : 48;
    std::uint64_t count : 16;
};

struct Header {
    std::array<char, 8> magic;
    Word<std::uint32_t> version;  // stored last of all when the segment is made: the ready flag
    std::uint32_t header_bytes;
    Shape shape;

    alignas(kLineBytes) pthread_mutex_t lock;

    // Moved by the producer, under the lock.
    alignas(kLineBytes) Word<std::uint64_t> tail;  // accepted

    // Moved by the consumer, under the lock; `begun` and `attachments` need none, since nobody but
    // the consumer that takes its place decides by them.
    alignas(kLineBytes) Word<std::uint64_t> head;  // committed
    Word<std::uint64_t> demanded;                  // asked for
    Word<std::uint64_t> begun;                     // in work or done: what a crash may repeat
    Word<Attachments> attachments;

    // The stop, under the lock. The marks are noted once, before drain_begun.
    alignas(kLineBytes) Word<std::uint32_t> intake_closed;
    Word<std::uint32_t> drain_begun;
    Word<std::uint64_t> stopped_head;
    Word<std::uint64_t> stopped_dispatched;

    // The run. Written by the launcher; log_lines_lost is added to by everybody.
    alignas(kLineBytes) Word<Phase> phase;
    Word<std::uint64_t> run_head;         // head when the run began
    Word<std::uint64_t> run_redelivered;  // redelivered when the run began
    Word<std::uint64_t> log_lines_lost;

    alignas(kLineBytes) Doorbell events_bell;  // rung when the tail moves
    alignas(kLineBytes) Doorbell room_bell;    // rung when the head moves

    Settings settings;
};

inline constexpr std::size_t kHeaderBytes = 2 * kPageBytes;

static_assert(sizeof(Slot) == 8);
static_assert(sizeof(Attachments) == 8 && std::is_trivially_copyable_v<Attachments>);
static_assert(sizeof(Word<std::uint64_t>) == 8 && sizeof(Word<Attachments>) == 8);
static_assert(offsetof(Header, version) == 8);
static_assert(offsetof(Header, lock) == 64);
static_assert(offsetof(Header, tail) == 128);
static_assert(offsetof(Header, head) == 192);
static_assert(offsetof(Header, intake_closed) == 256);
static_assert(offsetof(Header, phase) == 320);
static_assert(offsetof(Header, events_bell) == 384);
static_assert(offsetof(Header, room_bell) == 448);
static_assert(sizeof(Header) <= kHeaderBytes);
static_assert(std::is_standard_layout_v<Header>);

}  // namespace drainpipe
