#include "segment.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>
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
    first_attempts_ = reinterpret_cast<FirstAttempt*>(front + shape.first_attempts_offset());
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

void Segment::validate() const {
    const Header& header = *header_;
    const std::uint64_t head = header.head.load();
    const std::uint64_t tail = header.tail.load();
    const std::uint64_t begun = header.begun.load();
    const auto damaged = [](const std::string& what) {
        throw SegmentUnusable("the segment is damaged: " + what);
    };
    if (head > tail || tail - head > header.shape.capacity) {
        damaged("head=" + std::to_string(head) + " tail=" + std::to_string(tail));
    }
    if (begun < head || begun > tail) {
        damaged("begun=" + std::to_string(begun) + " is outside of head and tail");
    }
    std::uint64_t bytes = 0;
    for (std::uint64_t event = head; event < tail; ++event) {
        bytes += slot(event).length;
        const bool is_adjacent =
            event == head || slot(event).begin == slot(event - 1).begin + slot(event - 1).length;
        if (!is_adjacent || bytes > header.shape.buffer_bytes) {
            damaged("the slot of event id=" + std::to_string(event + 1));
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
    header.log_lines_lost.store(0);
    header.run_redelivered.store(header.attachments.load().redelivered);
    header.run_head.store(header.head.load());
    header.demanded.store(header.head.load());
    header.drain_begun.store(0);
    header.intake_closed.store(0);
}

}  // namespace drainpipe
