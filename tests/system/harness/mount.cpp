#include "mount.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace harness {

namespace {

// The same command, behind a line of a shell with these arguments in a mount namespace of its own.
std::optional<Command> mounted(const std::string& line, const std::vector<std::string>& arguments,
                               Command command) {
    std::vector<std::string> words = {"/usr/bin/unshare", "--mount", "/bin/sh", "-c", line, "sh"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    auto trial = words;
    trial.push_back("/bin/true");
    if (run({.words = trial}).code != 0) {
        MESSAGE("skipped: may not mount");
        return std::nullopt;
    }
    command.words.insert(command.words.begin(), words.begin(), words.end());
    return command;
}

}  // namespace

std::optional<Command> with_tmpfs(Command command, const std::filesystem::path& directory,
                                  const std::string& size) {
    const auto* line = "mount -t tmpfs -o size=\"$1\" none \"$2\" && shift 2 && exec \"$@\"";
    return mounted(line, {size, directory}, std::move(command));
}

std::optional<Command> with_disk(Command command, const std::filesystem::path& directory) {
    const auto* line =
        "export PATH=\"$PATH:/usr/sbin:/sbin\"; truncate -s 8M \"$1\" && mkfs.ext4 -q -F \"$1\" && "
        "mount -o loop,errors=remount-ro \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    return mounted(line, {directory.string() + ".disk", directory}, std::move(command));
}

bool make_read_only(pid_t pid, const std::filesystem::path& directory) {
    const auto seen_by = "--mount=/proc/" + std::to_string(pid) + "/ns/mnt";
    return run({.words = {"/usr/bin/nsenter", seen_by, "/bin/mount", "-o", "remount,abort",
                          directory}})
               .code == 0;
}

}  // namespace harness
