#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "descriptor.hpp"

namespace drainpipe {

// The socket that clients connect to. A stale one at its path is replaced; the path is
// free again when the listener goes. One that others hold too, as a service manager does, stays as
// it is, and clients can connect whether there is a listener or not. Requires the producer's role.
class Listener {
  public:
    // With that mode, and of that group where one is given. Throws std::system_error.
    Listener(std::filesystem::path path, mode_t mode, std::optional<gid_t> group);
    // One that is listened on already, does not block, and is held by others too.
    explicit Listener(Descriptor shared) : is_shared_(true), socket_(std::move(shared)) {}
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // From here on connecting fails; who waits to be accepted still is. Nothing where it is shared.
    void close_to_new();

    // Whether who waits to be accepted can wait for the next listener.
    bool is_shared() const { return is_shared_; }

    int fd() const { return socket_.get(); }

    // The next connection, which does not block; closed when there is none. Sets `is_out_of_room`
    // when this process can't have more descriptors.
    Descriptor accept(bool& is_out_of_room) const;

  private:
    std::filesystem::path path_;  // empty once it is closed to new ones, and where it is shared
    bool is_shared_ = false;
    Descriptor socket_;
};

}  // namespace drainpipe
