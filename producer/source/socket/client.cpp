#include "client.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace drainpipe {

Client::Client(Descriptor socket, std::uint64_t longest_payload)
    : socket_(std::move(socket)), splitter_(longest_payload) {}

Client::~Client() {
    // Closing a socket with something unread in it would break the connection for the other end,
    // the answers that it has not read included.
    ::shutdown(socket_.get(), SHUT_RD);
    std::array<char, 4096> unread;
    while (::recv(socket_.get(), unread.data(), unread.size(), 0) > 0) {
    }
}

Client::Input Client::read(std::span<char> scratch, std::vector<wire::LineSplitter::Line>& lines) {
    const ssize_t count = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
    if (count > 0) {
        splitter_.split({scratch.data(), static_cast<std::size_t>(count)}, lines);
        return Input::lines;
    }
    const bool is_for_later = count < 0 && (errno == EAGAIN || errno == EINTR);
    return is_for_later ? Input::nothing : Input::end;
}

void Client::refuse(std::uint64_t event, std::uint64_t bytes, std::uint64_t limit) {
    unsent_ += wire::refused_line(event, bytes, limit);
}

void Client::close(wire::Reason reason) {
    if (!is_closed_) {
        owes_acknowledgement_ = false;
        unsent_ += wire::closed_line(accepted_, reason);
        is_closed_ = true;
    }
}

void Client::flush() {
    while (has_unsent()) {
        if (unsent_.empty()) {
            unsent_ = wire::accepted_line(accepted_);
            owes_acknowledgement_ = false;
        }
        const ssize_t count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (count > 0) {
            unsent_.erase(0, static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            // The client does not listen any more. What it sent before is taken in all the same.
            unsent_.clear();
            owes_acknowledgement_ = false;
        }
    }
}

}  // namespace drainpipe
