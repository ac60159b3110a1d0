#include "file_progress.hpp"

#include <cstring>

#include "layout.hpp"

namespace drainpipe {

FileIdentity file_of(const Header& header) {
    return {header.file_device.load(), header.file_inode.load()};
}

std::optional<FileProgress> file_progress_of(const Header& header) {
    const FileStanding standing = header.file_standing.load();
    if (standing == FileStanding::none) {
        return std::nullopt;
    }
    const bool is_current = standing == FileStanding::current;
    const std::uint64_t lines =
        is_current ? header.tail.load() - header.file_first.load() : header.file_lines.load();
    if (lines == 0) {
        return std::nullopt;
    }
    const auto& name = header.settings.source_file;
    return FileProgress{.file = file_of(header),
                        .name = {name.data(), ::strnlen(name.data(), name.size())},
                        .lines = lines,
                        .has_ended = is_current && header.file_has_ended.load() != 0};
}

}  // namespace drainpipe
