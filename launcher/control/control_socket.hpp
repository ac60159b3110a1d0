#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "descriptor.hpp"

namespace drainpipe {

// Where a running launcher takes commands: a datagram socket in the run directory, mode 0600. A
// path leads there from any pid namespace that sees the directory; a pid does not.
//
// A command is one datagram of text, at most kMaxBytes long: "scale 4", or what the signals SIGTERM
// and SIGHUP say, for who can't send them: "stop", "reload".
class ControlSocket {
  public:
    static constexpr std::size_t kMaxBytes = 256;

    // Binds it, in the place of a stale one. Requires the launcher's role. Throws
    // std::system_error.
    explicit ControlSocket(std::filesystem::path path);
    // Takes its path away, unless another process's is there.
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    // Readable when there is a command.
    int fd() const { return socket_.get(); }
    // The next command; nothing when there is none.
    std::optional<std::string> receive() const;

    // Whether the path leads here: the run directory may have been removed and made again.
    bool is_current() const;
    // Binds it again; false where that can't be done now.
    [[nodiscard]] bool renew();

    // Sends a command; false when no process is there to take it. Throws std::system_error.
    [[nodiscard]] static bool send(const std::filesystem::path& path, const std::string& command);

  private:
    void bind();

    std::filesystem::path path_;
    Descriptor socket_;
    ino_t inode_ = 0;  // of the path
};

}  // namespace drainpipe
