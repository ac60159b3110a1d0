#include "notify_socket.hpp"

#include <cstddef>

namespace drainpipe {

NotifySocket::NotifySocket(const std::string& name) {
    const bool is_abstract = name.starts_with('@');
    const bool is_known = (is_abstract || name.starts_with('/')) && name.size() > 1;
    if (!is_known || name.size() >= sizeof address_.sun_path) {
        return;
    }
    address_.sun_family = AF_UNIX;
    name.copy(address_.sun_path, name.size());
    if (is_abstract) {
        address_.sun_path[0] = '\0';
    }
    // An abstract name has no zero at its end: one more byte would be another name.
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() +
                                   (is_abstract ? 0 : 1));
    socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool NotifySocket::send(const std::string& message) const noexcept {
    return ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                    reinterpret_cast<const sockaddr*>(&address_),
                    size_) == static_cast<ssize_t>(message.size());
}

}  // namespace drainpipe
