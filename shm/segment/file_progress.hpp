#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace drainpipe {

struct Header;

// A file, as the system names it.
struct FileIdentity {
    std::uint64_t device;
    std::uint64_t inode;

    bool operator==(const FileIdentity&) const = default;
};

// How far a segment has come with the file whose lines are its events. It outlives the events: a
// segment that has it is kept though nothing is left in it.
struct FileProgress {
    FileIdentity file;
    std::string name;     // by which the last run found it
    std::uint64_t lines;  // that are accepted, at least 1
    bool has_ended;       // and these are all that there were
};

// Nothing where no line of a file is accepted.
std::optional<FileProgress> file_progress_of(const Header& header);

// The last file that was begun with. Requires a file standing.
FileIdentity file_of(const Header& header);

}  // namespace drainpipe
