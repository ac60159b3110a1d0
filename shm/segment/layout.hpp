#pragma once

#include <pthread.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "activity.hpp"
#include "event_count.hpp"
#include "event_state.hpp"
#include "history.hpp"
#include "ledger.hpp"
#include "supervision.hpp"
#include "word.hpp"

namespace drainpipe {

// What lies where in the segment, and who may write it.
//
//     Header | history | slots | retry times | states | attempts | keys | marks | (to a page) |
//     payload buffer
//
// Cursors count events since the segment was made and only grow; id n is event n - 1. Event n has
// slot, state, attempts and retry time n % slots. What is in flight, done or waiting is what the
// states say. Where no event is, the state is waiting(0) and the attempts are 0: consumers set both
// back before they move the header's head, so that the producer need not touch their lines. The
// retry time is 0 but between a failure and the attempt that follows it.
//
// Where a source settles events (Geometry::is_tracked) there are keys and marks besides, a payload
// has a trailer (see trailer.hpp), and room is free, states and attempts set back, only where the
// source has settled an event: from `settled` on all of them stay.
//
// Memory orders. The lock orders what its holders do among themselves. What is written or read
// without it (docs/segment_format.md has the same as a table):
//
// - tail: released by the producer, under the lock; acquired by anyone. Payloads, slots and the
//   partitions' states are written before it.
//
// - head: released by a consumer, under the lock; acquired by the producer. States and attempts are
//   set back before it.
//
// - ledger_changes: released under the lock; acquired by the gauge. The copy that it replaces is
//   written again only after it, and a release fence.
//
// - the ledgers: relaxed. The gauge reads a copy, then an acquire fence, then ledger_changes again.
//
// - states: relaxed, under the lock, or by the producer before the tail covers them. The gauge
//   reads them, then an acquire fence, then the ledger's head again: none is set back before that
//   moves.
//
// - attempts: relaxed, by the consumer that has the event, and plain reads by it. Others read those
//   of a dead process, after they were given its events.
//
// - settled: released by the producer, without the lock; states, attempts and marks are set back
//   before it. It covers nothing that others write.
//
// - lease_until: released by the producer; acquired by consumers. Marks are set before it.
//
// - keys: plain, of the producer alone. Marks: relaxed, set by the producer.
//
// - retry times: relaxed, by the consumer that has the event, as attempts. Those that only look
//   (the gauge, the producer) get a time that was there.
//
// - begun: released by its consumer, without the lock; acquired by that consumer's successor, which
//   holds its role, and by the next run. It covers nothing but itself.
//
// - phase, stop_deadline, consumers, scalings, clients, next_begin, the counts: released by the
//   launcher or a stage, acquired by anyone; they cover nothing but themselves.
//
// - supervision and history: written by the launcher, read by anyone; each says how its parts hold
//   together. The consumers' activity: relaxed, by each its own; statistics.
//
// - the event counts: see event_count.hpp.
//
// - slots and payloads: plain, before the tail covers them; plain reads after that. A snapshot
//   reads the ends of two slots relaxed, then an acquire fence, then the ledger's head: none is
//   written again before that moves.
//
// - geometry, identity and settings: plain, before `version` or before any stage starts.
//
// A change of this file, or of one that has a part of it, is a change of kLayoutVersion.
inline constexpr std::uint32_t kLayoutVersion = 10;
inline constexpr std::array<char, 8> kMagic{'D', 'R', 'A', 'I', 'N', 'P', 'I', 'P'};
inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kLineBytes = 64;

// Where the payload of an event ends, among all the payload bytes since the segment was made,
// counted modulo 2^32; it begins where the one before it ends, rounded up to the alignment. The
// buffer's span is a power of two of at most 2^31 and a multiple of every alignment, so that
// differences are exact (full is not empty) and a position modulo the span is the place. There is
// one more slot than events, so that the slot before the head stays: it says where the payload of
// the event at the head begins.
struct Slot {
    std::uint32_t end;
};

// How large the parts are. Written before the version, constant from then on.
struct Geometry {
    std::uint64_t capacity;  // events that the ring can hold
    std::uint64_t slots;     // a power of two, more than `capacity`
    // From where the oldest payload begins to where the newest one ends; at most `buffer_span`.
    std::uint64_t buffer_bytes;
    std::uint64_t buffer_span;  // a power of two, whole pages
    std::uint32_t alignment;    // a power of two: every payload begins at a multiple of it
    std::uint32_t is_tracked;   // 1 where a source settles events, else 0

    static constexpr std::uint64_t kMaxCapacity = std::uint64_t{1} << 28;
    static constexpr std::uint64_t kMaxBuffer = std::uint64_t{1} << 31;
    static constexpr std::uint64_t kMaxAlignment = 64;

    // So many of the events that a source has settled last, at least, have their keys kept.
    static constexpr std::uint64_t kMinRemembered = std::uint64_t{1} << 15;

    // The geometry for at most `capacity` events and `buffer_bytes` of payload. Requires
    // 1 <= capacity <= kMaxCapacity, 1 <= buffer_bytes <= kMaxBuffer and an alignment that is a
    // power of two of at most kMaxAlignment.
    static Geometry of(std::uint64_t capacity, std::uint64_t buffer_bytes,
                       std::uint64_t alignment = 1, bool is_tracked = false);

    // Whether of() could have made it.
    bool is_sound() const;

    std::size_t slots_offset() const;
    std::size_t retry_times_offset() const;
    std::size_t states_offset() const;
    std::size_t attempts_offset() const;
    std::size_t keys_offset() const;
    std::size_t marks_offset() const;
    std::size_t buffer_offset() const;
    std::size_t segment_bytes() const;

    bool operator==(const Geometry&) const = default;
};

// For pipelines whose events may be structs that are read in place.
inline constexpr std::uint64_t kTypedAlignment = 16;
static_assert(kTypedAlignment == alignof(std::max_align_t));

// What is done with an event.
enum class WorkKind : std::uint32_t {
    print = 0,    // its payload is a line on standard output
    exec = 1,     // a command is run
    worker = 2,   // a process that is kept gets it as a line, and answers
    forward = 3,  // it goes into another pipeline
    stage = 4,    // a stage of the user's own: `command` is its path
};

// How a worker is spoken to.
enum class WorkerFormat : std::uint32_t { plain = 0, json = 1 };

// Where events come from.
enum class SourceKind : std::uint32_t {
    socket = 0,
    file = 1,            // the lines of a file, once
    standard_input = 2,  // the lines of the launcher's
    stage = 3,           // a producer of the user's own
    engine = 4,          // messages of another engine, by the program that stands for its scheme
};

// Whose the socket of the intake is.
enum class SocketKind : std::uint32_t {
    none = 0,
    own = 1,        // the producer makes it, and takes it away
    activated = 2,  // a service manager holds it, and has passed it to the launcher
};

// What the run was asked for. Written by the launcher before it starts a stage.
struct Settings {
    std::uint64_t max_demand;
    std::uint64_t min_demand;
    std::int64_t grace_microseconds;
    std::int64_t event_delay_microseconds;
    std::int64_t log_events_per_second;  // records of events, of all consumers; -1 for all
    Dispatch dispatch;
    std::uint32_t consumers;           // when the run begins; at least 1
    std::uint32_t partition_by;        // the key's field in the payload, from 1
    std::int32_t partition_delimiter;  // between fields; -1 for white space
    std::uint32_t socket_mode;         // of the intake's socket
    std::int32_t launcher_pid;         // in its own pid namespace
    std::int64_t socket_group;         // that the socket belongs to; -1 for the user's own
    WorkKind work;
    WorkerFormat worker_format;
    std::uint32_t jobs;     // commands at once, or workers, of each consumer; at least 1
    std::uint32_t batch;    // the most events for one command; at least 1
    std::uint32_t window;   // the most events that a worker may have unanswered; at least 1
    std::uint32_t retries;  // attempts after the first one
    std::int64_t batch_wait_microseconds;
    std::int64_t timeout_microseconds;  // of a command, or of a worker's answer; 0 for none
    std::int64_t backoff_microseconds;  // before the first retry
    std::int64_t backoff_max_microseconds;
    std::int64_t begin_interval_nanoseconds;  // between two events begun, of all consumers; 0: none
    SourceKind source;
    // With SourceKind::socket always one, beside a producer of the user's own where asked for.
    SocketKind socket;
    std::array<char, 128>
        run_directory;  // absolute, ends with a zero: longer no socket's path may be
    std::array<char, 4096> log_directory;  // absolute, ends with a zero
    // Absolute, ends with a zero. Of the file whose lines are accepted, also where the run has
    // another source; else empty.
    std::array<char, 4096> source_file;
    // Of exec and worker, the pipeline that is forwarded to, or the path of the user's own stage.
    std::array<char, 32768> command;
    std::array<char, 4096> producer_path;  // of SourceKind::stage, else empty
    std::uint32_t has_sink;  // what the work has written goes to an engine, not to standard output
    std::uint32_t gives_back;  // a stop gives back to SourceKind::engine what it can't do in time
    // Without user and password, each ends with a zero: of SourceKind::engine, and of the sink;
    // else empty.
    std::array<char, 1024> source_url;
    std::array<char, 1024> sink_url;

    // Whether the work on an event can fail, and is tried again then.
    bool may_fail() const { return work != WorkKind::print || has_sink != 0; }
};

// Whether it is looked at before each event whether it may be begun now: a rate is kept between two
// of them, and a source may have withdrawn one.
inline bool begins_one_by_one(const Settings& settings) {
    return settings.begin_interval_nanoseconds > 0 || settings.source == SourceKind::engine;
}

// The file that a segment's events come from, as SourceKind::file has it.
enum class FileStanding : std::uint32_t {
    none = 0,
    current = 1,    // every event from file_first on is a line of it
    suspended = 2,  // a run with another source has gone on with its segment
};

// How far the run is. Moved by the launcher alone, forward until the next run begins.
enum class Phase : std::uint32_t {
    running = 0,
    stopping = 1,     // the intake is to close
    draining = 2,     // nothing is accepted any more: the consumers are to drain and leave
    giving_back = 3,  // no consumer is left: the source is to give back what is left
    settling = 4,     // the source is to settle what has ended, and to leave
};

// No consumer begins an event in so long before the stop's deadline: what is cut off is repeated as
// little as can be.
inline constexpr std::chrono::milliseconds kNothingBegins{100};

struct Header {
    std::array<char, 8> magic;
    Word<std::uint32_t> version;  // stored last of all when the segment is made: the ready flag
    std::uint32_t header_bytes;
    Geometry geometry;
    std::uint64_t identity;  // random, new with each segment that is made: it tells ids apart

    alignas(kLineBytes) pthread_mutex_t lock;

    // Moved by the producer, under the lock.
    alignas(kLineBytes) Word<std::uint64_t> tail;  // accepted

    // The ledger's head, for the producer: never ahead of it. Moved by consumers, under the lock.
    alignas(kLineBytes) Word<std::uint64_t> head;  // committed

    // The stop, under the lock. Where the drain begins is noted once, before drain_begun.
    alignas(kLineBytes) Word<std::uint32_t> intake_closed;
    Word<std::uint32_t> drain_begun;
    Word<std::uint64_t> stopped_given_end;

    // The run. Written by the launcher; log_lines_lost is added to by every process.
    alignas(kLineBytes) Word<Phase> phase;
    Word<std::uint32_t> consumers;           // the target count
    Word<std::uint32_t> scalings;            // how often that was changed, or asked to be
    Word<std::uint64_t> settled_before_run;  // accepted and committed by earlier runs
    Word<std::uint64_t> log_lines_lost;
    Word<std::uint32_t> output_may_be_cut;  // a write is under way that a kill may cut
    Word<std::int64_t> stop_deadline;       // monotonic clock, in ns; 0 until a stop is requested
    Word<std::int64_t> next_begin;  // with a rate: no event is begun before, monotonic clock, in ns
    Word<std::uint32_t> clients;    // that are connected to the intake; written by the producer

    // Where a source settles events. Written by the producer.
    alignas(kLineBytes) Word<std::uint64_t> settled;  // never ahead of the head
    Word<std::int64_t> lease_until;  // no event is begun from then on; CLOCK_BOOTTIME, in ns
    Word<std::uint64_t> redelivered_by_source;  // of this run: accepted, and delivered before
    Word<std::uint32_t> source_connected;
    Word<std::uint32_t> source_was_connected;  // once in this run
    Word<std::uint64_t> source_pending;        // messages that wait there
    Word<std::uint64_t> source_ack_pending;  // that were delivered to anybody and not acknowledged

    // The file whose lines are events, over any number of runs. Written by the launcher, before any
    // stage starts; its end by the producer.
    alignas(kLineBytes) Word<FileStanding> file_standing;
    Word<std::uint32_t> file_has_ended;  // all lines of it, or of standard input, are accepted
    Word<std::uint64_t> file_device;
    Word<std::uint64_t> file_inode;
    Word<std::uint64_t> file_first;  // current: the event that its first line would be, modulo 2^64
    Word<std::uint64_t> file_lines;  // suspended: so many of its lines are accepted

    alignas(kLineBytes) EventCount events_available;  // notified when the tail moves
    alignas(kLineBytes) EventCount room_available;    // notified when the head moves

    // Under the lock: see ledger.hpp.
    alignas(kLineBytes) Word<std::uint64_t> ledger_changes;
    std::array<Ledger, 2> ledgers;

    // Where every consumer gets every event: how far each has begun. Each moves its own.
    alignas(kLineBytes) std::array<Word<std::uint64_t>, kMaxConsumers> begun;

    // By demand: what a consumer was given before it may be in its hands. What it was given from
    // there on another one may take. Each moves its own, under the lock.
    alignas(kLineBytes) std::array<Word<std::uint64_t>, kMaxConsumers> in_hand_end;

    // For those who look; nothing is decided by them.
    alignas(kLineBytes) Supervision supervision;
    std::array<ConsumerActivity, kMaxConsumers> activity;

    Settings settings;
};

inline constexpr std::size_t kHeaderBytes = 17 * kPageBytes;
inline constexpr std::size_t kHistoryBytes =
    (sizeof(History) + kPageBytes - 1) / kPageBytes * kPageBytes;

static_assert(sizeof(Slot) == 4);
static_assert(sizeof(Geometry) == 40);
static_assert(offsetof(Geometry, slots) == 8);
static_assert(offsetof(Geometry, buffer_bytes) == 16);
static_assert(offsetof(Geometry, buffer_span) == 24);
static_assert(offsetof(Geometry, alignment) == 32);
static_assert(offsetof(Geometry, is_tracked) == 36);
static_assert(sizeof(Settings) == 280 + 3 * 4096 + 32768 + 2 * 1024);
static_assert(offsetof(Settings, min_demand) == 8);
static_assert(offsetof(Settings, grace_microseconds) == 16);
static_assert(offsetof(Settings, event_delay_microseconds) == 24);
static_assert(offsetof(Settings, log_events_per_second) == 32);
static_assert(offsetof(Settings, dispatch) == 40);
static_assert(offsetof(Settings, consumers) == 44);
static_assert(offsetof(Settings, partition_by) == 48);
static_assert(offsetof(Settings, partition_delimiter) == 52);
static_assert(offsetof(Settings, socket_mode) == 56);
static_assert(offsetof(Settings, launcher_pid) == 60);
static_assert(offsetof(Settings, socket_group) == 64);
static_assert(offsetof(Settings, work) == 72);
static_assert(offsetof(Settings, worker_format) == 76);
static_assert(offsetof(Settings, jobs) == 80);
static_assert(offsetof(Settings, batch) == 84);
static_assert(offsetof(Settings, window) == 88);
static_assert(offsetof(Settings, retries) == 92);
static_assert(offsetof(Settings, batch_wait_microseconds) == 96);
static_assert(offsetof(Settings, timeout_microseconds) == 104);
static_assert(offsetof(Settings, backoff_microseconds) == 112);
static_assert(offsetof(Settings, backoff_max_microseconds) == 120);
static_assert(offsetof(Settings, begin_interval_nanoseconds) == 128);
static_assert(offsetof(Settings, source) == 136);
static_assert(offsetof(Settings, socket) == 140);
static_assert(offsetof(Settings, run_directory) == 144);
static_assert(offsetof(Settings, log_directory) == 272);
static_assert(offsetof(Settings, source_file) == 4368);
static_assert(offsetof(Settings, command) == 8464);
static_assert(offsetof(Settings, producer_path) == 41232);
static_assert(offsetof(Settings, has_sink) == 45328);
static_assert(offsetof(Settings, gives_back) == 45332);
static_assert(offsetof(Settings, source_url) == 45336);
static_assert(offsetof(Settings, sink_url) == 46360);
static_assert(sizeof(Word<std::uint64_t>) == 8);
static_assert(sizeof(EventCount) == 8);
static_assert(sizeof(pthread_mutex_t) <= kLineBytes);
static_assert(offsetof(Header, version) == 8);
static_assert(offsetof(Header, header_bytes) == 12);
static_assert(offsetof(Header, geometry) == 16);
static_assert(offsetof(Header, identity) == 56);
static_assert(offsetof(Header, lock) == 64);
static_assert(offsetof(Header, tail) == 128);
static_assert(offsetof(Header, head) == 192);
static_assert(offsetof(Header, intake_closed) == 256);
static_assert(offsetof(Header, drain_begun) == 260);
static_assert(offsetof(Header, stopped_given_end) == 264);
static_assert(offsetof(Header, phase) == 320);
static_assert(offsetof(Header, consumers) == 324);
static_assert(offsetof(Header, scalings) == 328);
static_assert(offsetof(Header, settled_before_run) == 336);
static_assert(offsetof(Header, log_lines_lost) == 344);
static_assert(offsetof(Header, output_may_be_cut) == 352);
static_assert(offsetof(Header, stop_deadline) == 360);
static_assert(offsetof(Header, next_begin) == 368);
static_assert(offsetof(Header, clients) == 376);
static_assert(offsetof(Header, settled) == 384);
static_assert(offsetof(Header, lease_until) == 392);
static_assert(offsetof(Header, redelivered_by_source) == 400);
static_assert(offsetof(Header, source_connected) == 408);
static_assert(offsetof(Header, source_was_connected) == 412);
static_assert(offsetof(Header, source_pending) == 416);
static_assert(offsetof(Header, source_ack_pending) == 424);
static_assert(offsetof(Header, file_standing) == 448);
static_assert(offsetof(Header, file_has_ended) == 452);
static_assert(offsetof(Header, file_device) == 456);
static_assert(offsetof(Header, file_inode) == 464);
static_assert(offsetof(Header, file_first) == 472);
static_assert(offsetof(Header, file_lines) == 480);
static_assert(offsetof(Header, events_available) == 512);
static_assert(offsetof(Header, room_available) == 576);
static_assert(offsetof(Header, ledger_changes) == 640);
static_assert(offsetof(Header, ledgers) == 648);
static_assert(offsetof(Header, begun) == 5120);
static_assert(offsetof(Header, in_hand_end) == 5632);
static_assert(offsetof(Header, supervision) == 6144);
static_assert(offsetof(Header, activity) == 7744);
static_assert(offsetof(Header, settings) == 20032);
static_assert(sizeof(Header) <= kHeaderBytes);
static_assert(std::is_standard_layout_v<Header>);

}  // namespace drainpipe
