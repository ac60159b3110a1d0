#include "mount.hpp"

#include <doctest/doctest.h>

namespace harness {

std::optional<Command> with_tmpfs(Command command, const std::filesystem::path& folder,
                                  const std::string& size) {
    const std::vector<std::string> mounted = {
        "/usr/bin/unshare",
        "--mount",
        "/bin/sh",
        "-c",
        "mount -t tmpfs -o size=\"$1\" none \"$2\" && shift 2 && exec \"$@\"",
        "sh",
        size,
        folder};
    auto trial = mounted;
    trial.push_back("/bin/true");
    if (run({.words = trial}).code != 0) {
        MESSAGE("skipped: may not mount");
        return std::nullopt;
    }
    command.words.insert(command.words.begin(), mounted.begin(), mounted.end());
    return command;
}

}  // namespace harness
