#include "segment.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <system_error>
#include <utility>

#include "gauge.hpp"

namespace drainpipe {
namespace {

namespace ipc = boost::interprocess;

// Turns Boost's exceptions into the house's own: the action in words and the system's code.
template <typename Action>
auto describe(const std::string& action_in_words, Action&& action) {
    try {
        return action();
    } catch (const ipc::interprocess_exception& error) {
        throw std::system_error(error.get_native_error(), std::generic_category(), action_in_words);
    }
}

void reserve_memory(const Backing& backing, const std::string& what, std::size_t bytes) {
    const int fd = backing.descriptor();
    int error = 0;
    do {
        error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    } while (error == EINTR);
    if (error != 0) {
        throw std::system_error(error, std::generic_category(),
                                "cannot reserve " + std::to_string(bytes) + " bytes for " + what);
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

ipc::mapped_region map_buffer(const Backing& backing, const Geometry& geometry, char* place) {
    return {backing,
            ipc::read_write,
            static_cast<ipc::offset_t>(geometry.buffer_offset()),
            static_cast<std::size_t>(geometry.buffer_span),
            place,
            MAP_FIXED};
}

// Whether the name still leads to this one.
bool leads_to(const std::string& name, const Backing& backing) {
    struct stat here {};
    struct stat there {};
    return ::fstat(backing.descriptor(), &here) == 0 &&
           ::lstat(segment_path(name).c_str(), &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

bool hold_exclusively(const Backing& backing) {
    return ::flock(backing.descriptor(), LOCK_EX | LOCK_NB) == 0;
}

Backing create(const std::string& name) {
    try {
        return Backing({ipc::create_only, name.c_str(), ipc::read_write, ipc::permissions(0600)});
    } catch (const ipc::interprocess_exception& error) {
        if (error.get_error_code() == ipc::already_exists_error) {
            throw SegmentTaken(segment_path(name) + " was made by another process just now");
        }
        throw;
    }
}

struct flock whole_file(short type) {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

bool has_stage(const Backing& backing) {
    struct flock hold = whole_file(F_WRLCK);
    return ::fcntl(backing.descriptor(), F_OFD_GETLK, &hold) == 0 && hold.l_type != F_UNLCK;
}

// No pipeline has such a name.
std::string successor_name(const std::string& name) { return "." + name + ".new"; }

std::uint64_t random_identity() {
    std::uint64_t identity = 0;
    if (::getrandom(&identity, sizeof identity, 0) != sizeof identity) {
        throw std::system_error(errno, std::generic_category(), "cannot get a random number");
    }
    return identity;
}

}  // namespace

Segment::Segment(Backing backing, const Geometry& geometry)
    : backing_(std::move(backing)),
      front_(backing_, ipc::read_write, 0, geometry.buffer_offset()),
      header_(static_cast<Header*>(front_.get_address())),
      bytes_(geometry.segment_bytes()),
      is_tracked_(geometry.is_tracked != 0),
      slot_mask_(geometry.slots - 1),
      buffer_mask_(static_cast<std::uint32_t>(geometry.buffer_span - 1)),
      below_alignment_(static_cast<std::uint32_t>(geometry.alignment - 1)) {
    char* const front = static_cast<char*>(front_.get_address());
    history_ = reinterpret_cast<History*>(front + kHeaderBytes);
    slots_ = reinterpret_cast<Slot*>(front + geometry.slots_offset());
    retry_times_ = reinterpret_cast<std::uint32_t*>(front + geometry.retry_times_offset());
    states_ = reinterpret_cast<std::uint8_t*>(front + geometry.states_offset());
    attempts_ = reinterpret_cast<std::uint8_t*>(front + geometry.attempts_offset());
    keys_ = reinterpret_cast<std::uint64_t*>(front + geometry.keys_offset());
    marks_ = reinterpret_cast<std::uint8_t*>(front + geometry.marks_offset());
    buffer_ = reserve_addresses(2 * geometry.buffer_span);
    buffer_first_ = map_buffer(backing_, geometry, buffer_);
    buffer_again_ = map_buffer(backing_, geometry, buffer_ + geometry.buffer_span);
}

Segment Segment::make(const std::string& name, const Geometry& geometry) {
    const std::string path = segment_path(name);
    Backing backing = describe("cannot create " + path, [&] { return create(name); });
    // Another launcher may have taken it for what a dead one left half made.
    if (!hold_exclusively(backing) || !leads_to(name, backing)) {
        throw SegmentTaken(path + " is being made by another process");
    }
    FaultPoint::here().reached();
    try {
        return make_in(std::move(backing), path, geometry);
    } catch (...) {
        remove(name);
        throw;
    }
}

Segment Segment::make_private(const Geometry& geometry) {
    return make_in(Backing::without_name(), "a private segment", geometry);
}

Segment Segment::make_in(Backing&& backing, const std::string& what, const Geometry& geometry) {
    reserve_memory(backing, what, geometry.segment_bytes());
    return describe("cannot map " + what, [&] {
        Segment segment(std::move(backing), geometry);
        Header& header = segment.header();
        FaultPoint::here().reached();
        header.magic = kMagic;
        FaultPoint::here().reached();
        header.header_bytes = kHeaderBytes;
        FaultPoint::here().reached();
        header.geometry = geometry;
        FaultPoint::here().reached();
        header.identity = random_identity();
        header.version.store(kLayoutVersion);
        return segment;
    });
}

Segment Segment::open(const std::string& name) {
    const std::string path = segment_path(name);
    if (inspect_segment(name) != Standing::ready) {
        throw SegmentRefused(path + " is not ready");
    }
    return describe("cannot map " + path, [&] {
        Backing backing({ipc::open_only, name.c_str(), ipc::read_write});
        const ipc::mapped_region front(backing, ipc::read_only, 0, kHeaderBytes);
        const Geometry geometry = static_cast<const Header*>(front.get_address())->geometry;
        return Segment(std::move(backing), geometry);
    });
}

void Segment::remove_unfinished_successor(const std::string& name) { remove(successor_name(name)); }

Segment Segment::make_successor(const std::string& name, const Geometry& geometry) const {
    remove_unfinished_successor(name);
    const std::string made_as = successor_name(name);
    Segment successor = make(made_as, geometry);
    Header& header = successor.header();
    if (const std::optional<FileProgress> progress = file_progress_of(*header_)) {
        header.settings.source_file = header_->settings.source_file;
        header.file_device.store(progress->file.device);
        header.file_inode.store(progress->file.inode);
        header.file_lines.store(progress->lines);
        header.file_standing.store(FileStanding::suspended);
    }
    FaultPoint::here().reached();
    if (::rename(segment_path(made_as).c_str(), segment_path(name).c_str()) != 0) {
        const int error = errno;
        remove(made_as);
        throw std::system_error(error, std::generic_category(),
                                "cannot replace " + segment_path(name));
    }
    return successor;
}

bool Segment::is_whole() const {
    struct stat info {};
    return ::fstat(backing_.descriptor(), &info) == 0 &&
           static_cast<std::size_t>(info.st_size) >= bytes_;
}

bool Segment::hold_as_launcher() const { return hold_exclusively(backing_); }

void Segment::hold_as_stage() const {
    struct flock hold = whole_file(F_RDLCK);
    if (::fcntl(backing_.descriptor(), F_OFD_SETLK, &hold) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot hold the segment");
    }
}

bool Segment::is_held_by_stage() const { return has_stage(backing_); }

bool Segment::remove_unheld(const std::string& name) {
    const Backing backing = describe("cannot open " + segment_path(name), [&] {
        return Backing({ipc::open_only, name.c_str(), ipc::read_write});
    });
    if (!hold_exclusively(backing) || has_stage(backing) || !leads_to(name, backing)) {
        return false;
    }
    remove(name);
    return true;
}

void Segment::remove(const std::string& name) { ipc::shared_memory_object::remove(name.c_str()); }

std::string Segment::identity() const { return identity_of(*header_); }

bool Segment::is_at(const std::string& name) const { return leads_to(name, backing_); }

void Segment::forget(std::uint64_t first, std::uint64_t last) const {
    states().fill(first, last, EventState::waiting(0));
    attempts().fill(first, last, 0);
    if (is_tracked_) {
        marks().fill(first, last, 0);
    }
}

std::uint64_t Segment::left() const {
    while (true) {
        const std::uint64_t head = read_ledger(*header_).head;
        // The tail may be more than a ring after that head already.
        const std::uint64_t tail = std::min(header_->tail.load(), head + header_->geometry.slots);
        const std::uint64_t left = states().count_undone(head, tail);
        std::atomic_thread_fence(std::memory_order_acquire);  // the states before the second look
        if (read_ledger(*header_).head == head) {
            return left;  // no state of these was set back meanwhile
        }
    }
}

}  // namespace drainpipe
