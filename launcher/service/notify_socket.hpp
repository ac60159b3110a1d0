#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "descriptor.hpp"

namespace drainpipe {

// The socket that a service manager hears from its services by: each message is one datagram. A
// manager that is gone, or does not read, holds nobody up.
class NotifySocket {
  public:
    // `name` is a path, or @ and an abstract name. Where it is neither, or too long, nobody is
    // told anything.
    explicit NotifySocket(const std::string& name);

    bool is_open() const { return socket_.is_open(); }

    // Lines of NAME=VALUE. Never blocks; false where the message could not be handed over.
    bool send(const std::string& message) const noexcept;

  private:
    sockaddr_un address_{};
    socklen_t size_ = 0;
    Descriptor socket_;
};

}  // namespace drainpipe
