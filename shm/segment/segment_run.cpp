#include <algorithm>
#include <span>
#include <system_error>

#include "retry_time.hpp"
#include "segment.hpp"

// How a run begins on what an earlier one left.
namespace drainpipe {
namespace {

// A lock that survives its holder: see RobustLock, ring/ring_lock.hpp.
void make_lock(pthread_mutex_t& lock) {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    const int error = ::pthread_mutex_init(&lock, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
    if (error != 0) {
        throw std::system_error(error, std::generic_category(), "cannot make the ring's lock");
    }
}

}  // namespace

void Segment::begin_run(const Settings& settings, const std::optional<FileIdentity>& file) {
    Header& header = *header_;
    reset_supervision();  // nobody is to take what is half begun for a run
    make_lock(header.lock);
    header.events_available.make();
    header.room_available.make();
    FaultPoint::here().reached();
    Settings kept = settings;
    if (!file && file_progress_of(header)) {
        kept.source_file = header.settings.source_file;  // what a run from another one is told
    }
    header.settings = kept;
    header.phase.store(Phase::running);
    header.consumers.store(settings.consumers);
    header.log_lines_lost.store(0);
    header.output_may_be_cut.store(0);
    header.stop_deadline.store(0);
    header.next_begin.store(0);
    header.clients.store(0);
    header.redelivered_by_source.store(0);
    header.source_connected.store(0);
    header.source_was_connected.store(0);
    header.source_pending.store(0);
    header.source_ack_pending.store(0);
    header.drain_begun.store(0);
    reset_states();
    reset_retry_times();
    begin_ledger();
    header.settled_before_run.store(header.tail.load() - left());
    begin_file(file);
    header.intake_closed.store(0);
}

void Segment::reset_supervision() const {
    Supervision& supervision = header_->supervision;
    supervision.started_at.store(0);
    supervision.pid_namespace.store(0);
    supervision.stop_reason.store(StopReason::none);
    supervision.producer.reset();
    std::ranges::for_each(supervision.consumers, &ChildRecord::reset);
    std::ranges::for_each(header_->activity, &ConsumerActivity::reset);
}

// Each standing is stored after the words that it gives a meaning to, and the tail does not move:
// what a killed launcher has begun the next one works out again.
void Segment::begin_file(const std::optional<FileIdentity>& file) const {
    Header& header = *header_;
    const std::uint64_t tail = header.tail.load();
    const FileStanding standing = header.file_standing.load();
    const bool is_known = standing != FileStanding::none;
    if (file && !(is_known && *file == file_of(header))) {
        header.file_standing.store(FileStanding::none);
        header.file_device.store(file->device);
        header.file_inode.store(file->inode);
        header.file_first.store(tail);
    } else if (file && standing == FileStanding::suspended) {
        header.file_first.store(tail - header.file_lines.load());
    } else if (!file && standing == FileStanding::current) {
        header.file_lines.store(tail - header.file_first.load());
    }
    header.file_has_ended.store(0);
    header.file_standing.store(file       ? FileStanding::current
                               : is_known ? FileStanding::suspended
                                          : FileStanding::none);
}

void Segment::reset_states() const {
    const Ledger ledger = read_ledger(*header_);
    const std::uint64_t tail = header_->tail.load();
    // No process has it mapped but this one: plain accesses, many at a time.
    for (const Piece& piece : pieces(ledger.head, tail)) {
        for (std::uint8_t& state : std::span(states_ + piece.place, piece.count)) {
            FaultPoint::here().reached();
            const EventState left_as = EventState::of_byte(state);
            state = (left_as.is_done() ? left_as.before() : EventState::waiting(0)).byte();
        }
    }
    if (header_->settings.dispatch == Dispatch::partition) {
        for (std::uint64_t event = ledger.head; event < tail; ++event) {
            if (states().at(event).is_waiting()) {
                states().set(event, state_of_new(event));
            }
        }
    }
    if (ledger.is_broadcast != 0 && header_->settings.dispatch != Dispatch::broadcast) {
        const std::uint64_t begun_to = std::min(begun_in_broadcast(ledger), tail);
        for (std::uint64_t event = ledger.head; event < begun_to; ++event) {
            attempts().store(event, std::max<std::uint8_t>(1, attempts().load(event)));
        }
    }
}

// Where nothing fails nothing waits for a retry; else each may be tried once in the next drain too.
void Segment::reset_retry_times() const {
    for (std::uint64_t event = header_->head.load(); event < header_->tail.load(); ++event) {
        const std::uint32_t time = retry_time(event);
        const std::uint32_t kept = header_->settings.may_fail() ? time & ~kTriedInDrain : 0;
        if (time != kept) {
            set_retry_time(event, kept);
        }
    }
}

// Some consumer had begun events before it.
std::uint64_t Segment::begun_in_broadcast(const Ledger& ledger) const {
    const auto begun = std::span(header_->begun).first(ledger.consumers_used);
    std::uint64_t end = 0;
    for (const Word<std::uint64_t>& one : begun) {
        end = std::max(end, one.load());
    }
    return end;
}

// Those that an earlier run had begun and that had no outcome: they will be given again.
std::uint64_t Segment::count_begun(std::uint64_t head) const {
    const std::uint64_t tail = header_->tail.load();
    std::uint64_t begun = 0;
    for (const Piece& piece : pieces(head, tail)) {
        const std::uint8_t* const states = states_ + piece.place;
        const std::uint8_t* const attempts = attempts_ + piece.place;
        const std::uint32_t* const retry_times = retry_times_ + piece.place;
        begun += count_places(piece.count, [&](std::uint64_t at) {
            return !EventState::of_byte(states[at]).is_done() && attempts[at] > 0 &&
                   retry_times[at] == 0;
        });
    }
    return begun;
}

// From there on.
std::uint64_t Segment::end_of_done_before(std::uint64_t first) const {
    const std::uint64_t tail = header_->tail.load();
    while (first < tail && states().at(first).is_done()) {
        first = states().end_of_run(first, tail, states().at(first));
    }
    return first;
}

// A broadcast that goes on keeps how far each consumer is.
void Segment::begin_ledger() const {
    const std::uint64_t changes = header_->ledger_changes.load();
    const Ledger& before = header_->ledgers[changes % 2];
    Ledger& ledger = header_->ledgers[(changes + 1) % 2];
    const Settings& settings = header_->settings;
    const bool goes_on = before.is_broadcast != 0 && settings.dispatch == Dispatch::broadcast;
    FaultPoint::here().reached();
    ledger = Ledger{};
    ledger.is_broadcast = settings.dispatch == Dispatch::broadcast ? 1 : 0;
    ledger.consumers_used = settings.consumers;
    for (unsigned consumer = 0; consumer < settings.consumers; ++consumer) {
        const ConsumerState& consumer_state = before.consumer_states[consumer];
        const bool knows =
            goes_on && consumer < before.consumers_used && consumer_state.is_taken != 0;
        ledger.consumer_states[consumer] = {
            .unmet = 0,
            .next = before.head,
            .committed =
                end_of_done_before(knows ? consumer_state.committed.get() : before.head.get()),
            .deaths = knows ? consumer_state.deaths.get() : 0,
            .is_taken = 1};
        if (!knows) {
            header_->begun[consumer].store(before.head);
        }
    }
    const auto consumer_states = std::span(ledger.consumer_states).first(settings.consumers);
    ledger.head =
        std::ranges::min_element(consumer_states, {}, &ConsumerState::committed)->committed;
    ledger.given_end = ledger.waiting_from = ledger.head;
    ledger.redelivered = count_begun(before.head);
    for (unsigned partition = 0; partition < kMaxConsumers; ++partition) {
        ledger.partition_owner.assign(partition, partition % settings.consumers);
    }
    header_->ledger_changes.store(changes + 1);
    const std::uint64_t kept_from = is_tracked_ ? header_->settled.load() : ledger.head.get();
    forget(header_->tail.load(), kept_from + header_->geometry.slots);
    header_->head.store(ledger.head);
}

}  // namespace drainpipe
