#include "segment.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <system_error>
#include <utility>

namespace drainpipe {
namespace {

namespace ipc = boost::interprocess;

// Turns Boost's exceptions into the house's own: the action in words and the system's code.
template <typename Action>
auto in_words(const std::string& action_in_words, Action&& action) {
    try {
        return action();
    } catch (const ipc::interprocess_exception& error) {
        throw std::system_error(error.get_native_error(), std::generic_category(), action_in_words);
    }
}

void reserve_memory(const ipc::shared_memory_object& object, const std::string& path,
                    std::size_t bytes) {
    const int fd = object.get_mapping_handle().handle;
    int error = 0;
    do {
        error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    } while (error == EINTR);
    if (error != 0) {
        throw std::system_error(error, std::generic_category(),
                                "cannot reserve " + std::to_string(bytes) + " bytes for " + path);
    }
}

// Address space for the buffer's two mappings, side by side.
char* reserve_addresses(std::size_t bytes) {
    void* place =
        ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "cannot reserve address space");
    }
    return static_cast<char*>(place);
}

ipc::mapped_region map_buffer(const ipc::shared_memory_object& object, const Shape& shape,
                              char* place) {
    return {object,
            ipc::read_write,
            static_cast<ipc::offset_t>(shape.buffer_offset()),
            static_cast<std::size_t>(shape.buffer_span),
            place,
            MAP_FIXED};
}

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

// A lock that survives its holder: see design notes in ring/robust_lock.hpp.
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

Segment::Segment(ipc::shared_memory_object object, const Shape& shape)
    : object_(std::move(object)),
      front_(object_, ipc::read_write, 0, shape.buffer_offset()),
      header_(static_cast<Header*>(front_.get_address())),
      slot_mask_(shape.slots - 1),
      buffer_mask_(static_cast<std::uint32_t>(shape.buffer_span - 1)) {
    char* const front = static_cast<char*>(front_.get_address());
    slots_ = reinterpret_cast<Slot*>(front + shape.slots_offset());
    marks_ = reinterpret_cast<Mark*>(front + shape.marks_offset());
    attempts_ = reinterpret_cast<Attempts*>(front + shape.attempts_offset());
    buffer_ = reserve_addresses(2 * shape.buffer_span);
    buffer_first_ = map_buffer(object_, shape, buffer_);
    buffer_again_ = map_buffer(object_, shape, buffer_ + shape.buffer_span);
}

Segment Segment::make(const std::string& name, const Shape& shape) {
    const std::string path = segment_path(name);
    auto object = in_words("cannot create " + path, [&] {
        return ipc::shared_memory_object(ipc::create_only, name.c_str(), ipc::read_write,
                                         ipc::permissions(0600));
    });
    ::flock(object.get_mapping_handle().handle, LOCK_EX | LOCK_NB);
    FaultPoint::here().reached();
    try {
        reserve_memory(object, path, shape.segment_bytes());
        return in_words("cannot map " + path, [&] {
            Segment segment(std::move(object), shape);
            Header& header = segment.header();
            FaultPoint::here().reached();
            header.magic = kMagic;
            FaultPoint::here().reached();
            header.header_bytes = kHeaderBytes;
            FaultPoint::here().reached();
            header.shape = shape;
            header.version.store(kLayoutVersion);
            return segment;
        });
    } catch (...) {
        remove(name);
        throw;
    }
}

Segment Segment::open(const std::string& name) {
    const std::string path = segment_path(name);
    if (inspect_segment(name) != Standing::ready) {
        throw SegmentRefused(path + " is not ready");
    }
    return in_words("cannot map " + path, [&] {
        ipc::shared_memory_object object(ipc::open_only, name.c_str(), ipc::read_write);
        const ipc::mapped_region front(object, ipc::read_only, 0, kHeaderBytes);
        const Shape shape = static_cast<const Header*>(front.get_address())->shape;
        return Segment(std::move(object), shape);
    });
}

bool Segment::hold_as_launcher() const {
    return ::flock(object_.get_mapping_handle().handle, LOCK_EX | LOCK_NB) == 0;
}

void Segment::hold_as_stage() const {
    struct flock hold = whole_file(F_RDLCK);
    if (::fcntl(object_.get_mapping_handle().handle, F_OFD_SETLK, &hold) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot hold the segment");
    }
}

bool Segment::is_held_by_stage() const {
    struct flock hold = whole_file(F_WRLCK);
    return ::fcntl(object_.get_mapping_handle().handle, F_OFD_GETLK, &hold) == 0 &&
           hold.l_type != F_UNLCK;
}

bool Segment::remove_half_made(const std::string& name) {
    const ipc::shared_memory_object object = in_words("cannot open " + segment_path(name), [&] {
        return ipc::shared_memory_object(ipc::open_only, name.c_str(), ipc::read_write);
    });
    if (::flock(object.get_mapping_handle().handle, LOCK_EX | LOCK_NB) != 0) {
        return false;
    }
    remove(name);
    return true;
}

void Segment::remove(const std::string& name) { ipc::shared_memory_object::remove(name.c_str()); }

bool Segment::is_at(const std::string& name) const {
    struct stat here {};
    struct stat there {};
    return ::fstat(object_.get_mapping_handle().handle, &here) == 0 &&
           ::lstat(segment_path(name).c_str(), &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

void Segment::clear_attempts(std::uint64_t first, std::uint64_t last) const {
    while (first < last) {
        const std::uint64_t place = first & slot_mask_;
        const std::uint64_t count = std::min(last - first, slot_mask_ + 1 - place);
        FaultPoint::here().reached();
        std::memset(attempts_ + place, 0, count);
        first += count;
    }
}

void Segment::count_attempts(std::uint64_t first, std::uint64_t last) const {
    while (first < last) {
        const std::uint64_t place = first & slot_mask_;
        const std::uint64_t count = std::min(last - first, slot_mask_ + 1 - place);
        for (Attempts& attempts : std::span(attempts_ + place, count)) {
            FaultPoint::here().reached();
            attempts = static_cast<Attempts>(attempts + (attempts < kMostAttempts ? 1 : 0));
        }
        first += count;
    }
}

std::uint64_t Segment::left() const {
    return marks().count_undone(read_ledger(*header_).head, header_->tail.load());
}

void Segment::validate() const {
    validate_cursors();
    validate_seats();
    validate_slots();
}

void Segment::validate_cursors() const {
    const Header& header = *header_;
    const Ledger ledger = read_ledger(header);
    const std::uint64_t tail = header.tail.load();
    const bool is_in_order = header.head.load() <= ledger.head && ledger.head <= tail &&
                             ledger.head <= ledger.waiting_from && ledger.waiting_from <= tail &&
                             ledger.head <= ledger.given_end && ledger.given_end <= tail &&
                             tail - header.head.load() <= header.shape.capacity &&
                             ledger.seats_used <= kMostConsumers;
    if (!is_in_order) {
        throw SegmentUnusable("the segment is damaged: head=" + std::to_string(ledger.head) +
                              " waiting_from=" + std::to_string(ledger.waiting_from) +
                              " given_end=" + std::to_string(ledger.given_end) +
                              " tail=" + std::to_string(tail));
    }
}

// Where each consumer gets every event. Requires sound cursors.
void Segment::validate_seats() const {
    const Ledger& ledger = header_->ledgers[header_->ledger_changes.load() % 2];
    const std::uint64_t tail = header_->tail.load();
    for (const Seat& seat : std::span(ledger.seats).first(ledger.seats_used)) {
        const bool counts = ledger.is_broadcast != 0 && seat.is_taken != 0;
        if (counts && (seat.committed < ledger.head || seat.committed > tail)) {
            throw SegmentUnusable("the segment is damaged: a consumer has come to " +
                                  std::to_string(seat.committed) + ", outside of head and tail");
        }
    }
}

void Segment::validate_slots() const {
    const std::uint64_t head = read_ledger(*header_).head;
    const std::uint64_t tail = header_->tail.load();
    std::uint64_t bytes = 0;
    for (std::uint64_t event = head; event < tail; ++event) {
        bytes += slot(event).length;
        const bool is_adjacent =
            event == head || slot(event).begin == slot(event - 1).begin + slot(event - 1).length;
        if (!is_adjacent || bytes > header_->shape.buffer_bytes || !marks().at(event).is_valid()) {
            throw SegmentUnusable("the segment is damaged: the slot of event id=" +
                                  std::to_string(event + 1));
        }
    }
}

void Segment::begin_run(const Settings& settings) {
    Header& header = *header_;
    FaultPoint::here().reached();
    make_lock(header.lock);
    header.events_bell.make();
    header.room_bell.make();
    FaultPoint::here().reached();
    header.settings = settings;
    header.phase.store(Phase::running);
    header.consumers.store(settings.consumers);
    header.log_lines_lost.store(0);
    header.output_may_be_cut.store(0);
    header.drain_begun.store(0);
    mark_for_new_run();
    begin_ledger();
    header.settled_before_run.store(header.tail.load() - left());
    header.intake_closed.store(0);
}

void Segment::mark_for_new_run() const {
    const Ledger ledger = read_ledger(*header_);
    const std::uint64_t tail = header_->tail.load();
    const std::uint64_t begun_to = ledger.is_broadcast != 0 ? begun_in_broadcast(ledger) : 0;
    for (std::uint64_t event = ledger.head; event < tail; ++event) {
        const bool is_done = marks().at(event).is_done();
        marks().set(event, is_done ? Mark::done_before() : mark_of_new(event));
        if (event < begun_to && header_->settings.dispatch != Dispatch::broadcast) {
            FaultPoint::here().reached();
            attempts(event) = std::max<Attempts>(1, attempts(event));
        }
    }
}

// Some consumer had begun events before it.
std::uint64_t Segment::begun_in_broadcast(const Ledger& ledger) const {
    const auto begun = std::span(header_->begun).first(ledger.seats_used);
    std::uint64_t end = 0;
    for (const Word<std::uint64_t>& one : begun) {
        end = std::max(end, one.load());
    }
    return end;
}

// Those that an earlier run had begun and not done: they will be given again.
std::uint64_t Segment::count_begun(std::uint64_t head) const {
    const std::uint64_t tail = header_->tail.load();
    std::uint64_t begun = 0;
    for (std::uint64_t event = head; event < tail; ++event) {
        begun += !marks().at(event).is_done() && attempts(event) > 0 ? 1 : 0;
    }
    return begun;
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
    ledger.seats_used = settings.consumers;
    for (unsigned consumer = 0; consumer < settings.consumers; ++consumer) {
        const Seat& seat = before.seats[consumer];
        const bool knows = goes_on && consumer < before.seats_used && seat.is_taken != 0;
        ledger.seats[consumer] = {
            .unmet = 0,
            .next = before.head,
            .committed = marks().end_of_run(knows ? seat.committed : before.head,
                                            header_->tail.load(), Mark::done_before()),
            .deaths = knows ? seat.deaths : 0,
            .is_taken = 1};
        if (!knows) {
            header_->begun[consumer].store(before.head);
        }
    }
    const auto seats = std::span(ledger.seats).first(settings.consumers);
    ledger.head = std::ranges::min_element(seats, {}, &Seat::committed)->committed;
    ledger.given_end = ledger.waiting_from = ledger.head;
    ledger.redelivered = count_begun(before.head);
    for (unsigned partition = 0; partition < kMostConsumers; ++partition) {
        ledger.partition_owner[partition] =
            static_cast<std::uint8_t>(partition % settings.consumers);
    }
    header_->ledger_changes.store(changes + 1);
    header_->head.store(ledger.head);
}

}  // namespace drainpipe
