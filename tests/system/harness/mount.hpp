#pragma once

// A file system of its own for one command, to see what happens when it gives no more.

#include <filesystem>
#include <optional>
#include <string>

#include "process.hpp"

namespace harness {

// The same command with a tmpfs of this size over `directory`, seen by it and its children only.
// Nothing, and a message, where the test may not mount: that needs root and a container that
// allows it.
std::optional<Command> with_tmpfs(Command command, const std::filesystem::path& directory,
                                  const std::string& size);

// The same command with an ext4 over `directory`, as large as it needs to be for a log.
std::optional<Command> with_disk(Command command, const std::filesystem::path& directory);

// Has the kernel give that file system up, as it does after an error of the disk: from then on it
// is read-only, whoever has files of it open for writing. `pid` is a process that sees it.
bool make_read_only(pid_t pid, const std::filesystem::path& directory);

}  // namespace harness
