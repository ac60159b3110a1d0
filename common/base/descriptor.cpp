#include "descriptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "failure.hpp"

namespace drainpipe {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void Descriptor::reset() noexcept {
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

void fill_standard_descriptors() {
    for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
        if (fd > STDERR_FILENO) {
            ::close(fd);
            return;
        }
    }
}

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw_errno("cannot make a pipe");
    }
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Descriptor make_event_descriptor() {
    Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event.is_open()) {
        throw_errno("cannot make an event descriptor");
    }
    return event;
}

void write_if_ready(int fd, std::string_view line) noexcept {
    if (::send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
        errno != ENOTSOCK) {
        return;
    }
    // What is shared with other processes may be full by the time of the write, whatever poll()
    // says, and O_NONBLOCK is theirs too: the line goes through a description of our own.
    struct stat info {};
    if (::fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
        std::array<char, 32> path{};
        std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
        const Descriptor own(::open(path.data(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
        if (own.is_open()) {
            [[maybe_unused]] const ssize_t count = ::write(own.get(), line.data(), line.size());
            return;
        }
    }
    pollfd writable{fd, POLLOUT, 0};
    if (::poll(&writable, 1, 0) > 0 && (writable.revents & POLLOUT) != 0) {
        [[maybe_unused]] const ssize_t count = ::write(fd, line.data(), line.size());
    }
}

std::size_t write_all(int fd, std::string_view bytes) noexcept {
    std::size_t written = 0;
    while (written < bytes.size()) {
        const ssize_t count = ::write(fd, bytes.data() + written, bytes.size() - written);
        if (count >= 0) {
            written += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN) {
            pollfd writable{fd, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            break;
        }
    }
    return written;
}

}  // namespace drainpipe
