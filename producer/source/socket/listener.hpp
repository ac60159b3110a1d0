#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "descriptor.hpp"

namespace drainpipe {

// The socket that clients connect to. A stale one at its path is replaced; the path is
// free again when the listener goes. Requires the producer's role.
class Listener {
  public:
    // With that mode, and of that group where one is given. Throws std::system_error.
    Listener(std::filesystem::path path, mode_t mode, std::optional<gid_t> group);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // From here on connecting fails; who waits to be accepted still is.
    void close_to_new();

    int fd() const { return socket_.get(); }

    // The next connection, which does not block; closed when there is none. Sets `is_out_of_room`
    // when this process can't have more descriptors.
    Descriptor accept(bool& is_out_of_room) const;

  private:
    std::filesystem::path path_;
    Descriptor socket_;
};

}  // namespace drainpipe
