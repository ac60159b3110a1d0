#include "stream_transport.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace drainpipe::bench {
namespace {

constexpr std::size_t kWriteBytes = 4096;
constexpr std::size_t kReadBytes = 65536;

[[noreturn]] void fail(const char* action) {
    throw std::system_error(errno, std::generic_category(), action);
}

}  // namespace

StreamTransport::StreamTransport(Kind kind, const Load& load) : load_(load), received_(kReadBytes) {
    const int result = kind == Kind::pipe ? ::pipe(ends_.data())
                                          : ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data());
    if (result != 0) {
        fail("cannot make a stream");
    }
}

StreamTransport::~StreamTransport() {
    ::close(ends_[0]);
    ::close(ends_[1]);
}

void StreamTransport::send(const char* events, std::size_t count) {
    for (std::size_t left = count * load_.bytes; left > 0;) {
        const ssize_t written = ::write(ends_[1], events, std::min(left, kWriteBytes));
        if (written < 0) {
            fail("cannot write to a stream");
        }
        events += written;
        left -= static_cast<std::size_t>(written);
    }
}

void StreamTransport::receive(SequenceCheck& check) {
    const ssize_t count =
        ::read(ends_[0], received_.data() + unfinished_, received_.size() - unfinished_);
    if (count <= 0) {
        fail("cannot read from a stream");
    }
    const std::size_t bytes = unfinished_ + static_cast<std::size_t>(count);
    const std::size_t whole = bytes / load_.bytes;
    check.see_all(received_.data(), whole, load_.bytes);
    unfinished_ = bytes - whole * load_.bytes;
    std::memmove(received_.data(), received_.data() + whole * load_.bytes, unfinished_);
}

}  // namespace drainpipe::bench
