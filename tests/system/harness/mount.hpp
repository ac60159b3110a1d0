#pragma once

// A small file system of its own for one command, to see what happens when there is no room.

#include <filesystem>
#include <optional>
#include <string>

#include "process.hpp"

namespace harness {

// The same command with a tmpfs of this size over `folder`, seen by it and its children only.
// Nothing, and a message, where the test may not mount: that needs root and a container that
// allows it.
std::optional<Command> with_tmpfs(Command command, const std::filesystem::path& folder,
                                  const std::string& size);

}  // namespace harness
