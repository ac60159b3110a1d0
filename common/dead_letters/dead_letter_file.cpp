#include "dead_letter_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {
namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::chrono::milliseconds kBetweenTries{2};
constexpr std::chrono::seconds kWaitToRead{1};
constexpr std::chrono::seconds kWaitToRemove{3};

fs::path directory_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Failure not_a_file(const fs::path& path) {
    return {ExitCode::cannot_create,
            path.string() +
                " is not a regular file, and dead letters are kept in one: move it "
                "away"};
}

// Closed where there is no such file. Follows no link, since a new file takes the place of what the
// path leads to, and waits for nobody at a FIFO.
Descriptor open_letters(const fs::path& path, int flags) {
    Descriptor file(
        ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0600));
    if (!file.is_open() && errno == ENOENT) {
        return file;
    }
    if (!file.is_open() && (errno == ELOOP || errno == EISDIR || errno == ENXIO)) {
        throw not_a_file(path);
    }
    struct stat info {};
    if (!file.is_open() || ::fstat(file.get(), &info) != 0) {
        throw_errno("cannot open " + path.string());
    }
    if (!S_ISREG(info.st_mode)) {
        throw not_a_file(path);
    }
    return file;
}

Descriptor open_to_append(const fs::path& path) {
    constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT;
    Descriptor file = open_letters(path, kFlags);
    if (!file.is_open()) {
        fs::create_directories(directory_of(path));
        file = open_letters(path, kFlags);
    }
    if (!file.is_open()) {
        throw_errno("cannot make " + path.string());
    }
    return file;
}

struct stat stat_of(const Descriptor& file, const fs::path& path) {
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) {
        throw_errno("cannot look at " + path.string());
    }
    return info;
}

// Whether the path leads to the open file still.
bool is_current(const Descriptor& file, const fs::path& path) {
    const struct stat open = stat_of(file, path);
    struct stat named {};
    return ::lstat(path.c_str(), &named) == 0 && named.st_dev == open.st_dev &&
           named.st_ino == open.st_ino;
}

// An open file and the lock on it. The lock is given back by a call: a child that was forked
// meanwhile holds the descriptor too, for a moment.
class LockedFile {
  public:
    LockedFile(Descriptor file, bool is_locked) : file_(std::move(file)), is_locked_(is_locked) {}
    LockedFile(LockedFile&& other) noexcept
        : file_(std::move(other.file_)), is_locked_(std::exchange(other.is_locked_, false)) {}
    ~LockedFile() {
        if (is_locked_) {
            ::flock(file_.get(), LOCK_UN);
        }
    }

    Descriptor unlock() && {
        if (std::exchange(is_locked_, false)) {
            ::flock(file_.get(), LOCK_UN);
        }
        return std::move(file_);
    }

    const Descriptor& file() const { return file_; }
    bool is_locked() const { return is_locked_; }

  private:
    Descriptor file_;
    bool is_locked_;
};

// Not locked where another process has the lock, or the file was replaced meanwhile.
LockedFile try_to_lock(Descriptor file, const fs::path& path, int kind) {
    if (::flock(file.get(), kind | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            throw_errno("cannot lock " + path.string());
        }
        return {std::move(file), false};
    }
    LockedFile locked(std::move(file), true);
    if (is_current(locked.file(), path)) {
        return locked;
    }
    return {Descriptor(), false};
}

// Nothing where there is no file. Not locked where it was in vain.
std::optional<LockedFile> lock_within(std::chrono::seconds longest, const fs::path& path, int flags,
                                      int kind) {
    const Clock::time_point until = Clock::now() + longest;
    while (true) {
        Descriptor file = open_letters(path, flags);
        if (!file.is_open()) {
            return std::nullopt;
        }
        LockedFile locked = try_to_lock(std::move(file), path, kind);
        if (locked.is_locked() || (locked.file().is_open() && Clock::now() >= until)) {
            return locked;
        }
        std::this_thread::sleep_for(kBetweenTries);
    }
}

// Calls `take` with each line before `end_at`, its newline included; the last one may have none.
void for_each_line(const Descriptor& file, off_t end_at, const fs::path& path,
                   const std::function<void(std::string_view)>& take) {
    std::string text;
    std::size_t searched = 0;
    off_t at = 0;
    while (true) {
        const std::size_t had = text.size();
        text.resize(had + kBlock);
        const auto wanted = static_cast<std::size_t>(std::min<off_t>(kBlock, end_at - at));
        const ssize_t count = ::pread(file.get(), text.data() + had, wanted, at);
        if (count < 0 && errno != EINTR) {
            throw_errno("cannot read " + path.string());
        }
        text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(0, count)));
        if (count == 0) {
            break;
        }
        at += std::max<ssize_t>(0, count);
        std::size_t begin = 0;
        for (std::size_t end; (end = text.find('\n', std::max(begin, searched))) != text.npos;
             begin = end + 1) {
            take(std::string_view(text).substr(begin, end + 1 - begin));
        }
        text.erase(0, begin);
        searched = text.size();
    }
    if (!text.empty()) {
        take(text);
    }
}

// Where what follows the last newline begins.
off_t end_of_lines(const Descriptor& file, off_t size, const fs::path& path) {
    std::string block(kBlock, '\0');
    for (off_t end = size; end > 0;) {
        const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(kBlock));
        const auto wanted = static_cast<std::size_t>(end - begin);
        if (::pread(file.get(), block.data(), wanted, begin) != static_cast<ssize_t>(wanted)) {
            throw_errno("cannot read " + path.string());
        }
        const std::size_t newline = std::string_view(block).substr(0, wanted).rfind('\n');
        if (newline != std::string_view::npos) {
            return begin + static_cast<off_t>(newline) + 1;
        }
        end = begin;
    }
    return 0;
}

// A directory that may not be read, or whose file system has nothing to sync, is passed over.
bool sync_directory(const fs::path& directory) {
    const Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file.is_open()) {
        return errno == EACCES;
    }
    return ::fsync(file.get()) == 0 || errno == EINVAL;
}

void cut_to(const Descriptor& file, off_t size, const fs::path& path) {
    if (::ftruncate(file.get(), size) != 0) {
        throw_errno("cannot take the torn end of " + path.string() + " away");
    }
}

// Removed again unless it took the place of the old one.
class NewFile {
  public:
    // Of the old one's mode and owner. Requires the lock on the old one.
    NewFile(const fs::path& place, const struct stat& old)
        : path_(directory_of(place) / ("." + place.filename().string() + ".new")) {
        ::unlink(path_.c_str());  // of one that was killed
        file_ = Descriptor(
            ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file_.is_open()) {
            throw_errno("cannot make " + path_.string());
        }
        const bool is_ours = old.st_uid == ::geteuid() && old.st_gid == ::getegid();
        // The mode after the owner: a change of owner takes bits of the mode away.
        if ((!is_ours && ::fchown(file_.get(), old.st_uid, old.st_gid) != 0) ||
            ::fchmod(file_.get(), old.st_mode & 07777) != 0) {
            const int error = errno;
            ::unlink(path_.c_str());
            throw std::system_error(error, std::generic_category(),
                                    "cannot give " + path_.string() + " its owner");
        }
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (!has_place_) {
            ::unlink(path_.c_str());
        }
    }

    void write(std::string_view text) {
        buffer_ += text;
        if (buffer_.size() >= kBlock) {
            flush();
        }
    }

    void take_place_of(const fs::path& place) {
        flush();
        if (::fsync(file_.get()) != 0) {
            throw_errno("cannot sync " + path_.string());
        }
        if (::rename(path_.c_str(), place.c_str()) != 0) {
            throw_errno("cannot replace " + place.string());
        }
        has_place_ = true;
        if (!sync_directory(directory_of(place))) {
            throw_errno("cannot sync the directory of " + place.string());
        }
    }

  private:
    void flush() {
        if (write_all(file_.get(), buffer_) < buffer_.size()) {
            throw_errno("cannot write " + path_.string());
        }
        buffer_.clear();
    }

    fs::path path_;
    Descriptor file_;
    std::string buffer_;
    bool has_place_ = false;
};

}  // namespace

bool DeadLetterFile::try_append(std::span<const DeadLetter> letters) const {
    const LockedFile locked = try_to_lock(open_to_append(path_), path_, LOCK_EX);
    if (!locked.is_locked()) {
        return false;
    }
    std::string text;
    for (const DeadLetter& letter : letters) {
        text += to_line(letter);
    }
    const Descriptor& file = locked.file();
    const off_t size = stat_of(file, path_).st_size;
    const off_t end = end_of_lines(file, size, path_);
    if (end < size) {
        cut_to(file, end, path_);
    }
    // The directory each time: who made or replaced the file may have been killed before it did.
    if (write_all(file.get(), text) < text.size() || ::fdatasync(file.get()) != 0 ||
        !sync_directory(directory_of(path_))) {
        const int error = errno;
        cut_to(file, end, path_);
        throw std::system_error(error, std::generic_category(),
                                "cannot write the dead letters to " + path_.string());
    }
    return true;
}

std::vector<std::size_t> DeadLetterFile::visit(const Visitor& visitor) const {
    std::vector<std::size_t> unreadable;
    auto locked = lock_within(kWaitToRead, path_, O_RDONLY, LOCK_SH);
    if (!locked) {
        return unreadable;
    }
    // In a file, whole lines never change: the visitor, which may take its time, holds nobody up.
    const off_t size = stat_of(locked->file(), path_).st_size;
    const off_t end = end_of_lines(locked->file(), size, path_);
    const Descriptor file = std::move(*locked).unlock();
    std::size_t number = 0;
    for_each_line(file, end, path_, [&](std::string_view line) {
        ++number;
        line.remove_suffix(1);
        if (line.empty()) {
            return;
        }
        if (const auto letter = parse_dead_letter(line)) {
            visitor(*letter, line);
        } else {
            unreadable.push_back(number);
        }
    });
    return unreadable;
}

std::vector<DeadLetter> DeadLetterFile::read() const {
    std::vector<DeadLetter> letters;
    visit([&](const DeadLetter& letter, std::string_view) { letters.push_back(letter); });
    return letters;
}

std::set<std::uint64_t> DeadLetterFile::ids_of(std::string_view run) const {
    std::set<std::uint64_t> ids;
    visit([&](const DeadLetter& letter, std::string_view) {
        if (letter.run == run) {
            ids.insert(letter.id);
        }
    });
    return ids;
}

std::size_t DeadLetterFile::remove_if(const Predicate& goes) const {
    const auto locked = lock_within(kWaitToRemove, path_, O_RDWR, LOCK_EX);
    if (!locked) {
        return 0;
    }
    if (!locked->is_locked()) {
        throw Failure(ExitCode::taken, path_.string() +
                                           " is being written or read by another process for "
                                           "seconds: try again, or look who has it open");
    }
    const struct stat old = stat_of(locked->file(), path_);
    NewFile kept(path_, old);
    std::size_t removed = 0;
    for_each_line(locked->file(), old.st_size, path_, [&](std::string_view line) {
        const std::string_view text = line.substr(0, line.size() - 1);
        const auto letter = line.ends_with('\n') ? parse_dead_letter(text) : std::nullopt;
        if (letter && goes(*letter, text)) {
            ++removed;
        } else {
            kept.write(line);
        }
    });
    if (removed > 0) {
        // Nobody who takes the lock replaces it; but a person may.
        if (!is_current(locked->file(), path_)) {
            throw Failure(ExitCode::taken,
                          path_.string() + " was replaced by another file meanwhile: try again");
        }
        kept.take_place_of(path_);
    }
    return removed;
}

void DeadLetterFile::require_removable() const {
    const fs::path directory = directory_of(path_);
    if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0 && errno != ENOENT) {
        throw Failure(ExitCode::no_permission, "nothing can be removed from " + path_.string() +
                                                   ": its directory may not be written");
    }
}

}  // namespace drainpipe
