#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dead_letter.hpp"
#include "dead_letters.hpp"

namespace drainpipe {

// The file of dead letters: one letter a line, appended by consumers, shortened by a person's
// commands, both at the same time. Who changes it has flock(2)'s lock on it and has made sure that
// the path still leads there, since the file is replaced where letters are removed. A letter is
// there when its newline is: what a kill left after the last one is no letter, and the next append
// takes it away. A whole line that is no letter is never changed.
//
// It holds nothing but the path: each call opens the file anew. Any thread may call.
class DeadLetterFile final : public DeadLetters {
  public:
    static constexpr const char* kFileName = "dead.ndjson";

    // Opens nothing.
    explicit DeadLetterFile(std::filesystem::path path) : path_(std::move(path)) {}

    // Appends the letters and syncs them; makes the file (0600) and its directory where they are
    // not there. False, with nothing changed, when another process changes or reads the file right
    // now: to be tried again in a moment. Throws std::system_error with the file as it was, and
    // Failure(cannot_create) where the path leads to no regular file.
    [[nodiscard]] bool try_append(std::span<const DeadLetter> letters) const override;

    using Visitor = std::function<void(const DeadLetter& letter, std::string_view line)>;
    // Calls the visitor with each letter, in order, and its line without the newline. Returns the
    // numbers of the lines, from 1, that are no letters and not empty. No file is one without
    // letters. Waits a moment for who changes the file, then reads it all the same: a letter
    // that is just being appended may be seen then and not stay. The visitor is called without the
    // lock, and may take its time. Throws std::system_error, and
    // Failure(cannot_create) as above.
    std::vector<std::size_t> visit(const Visitor& visitor) const;

    // All that visit() shows.
    std::vector<DeadLetter> read() const;

    std::set<std::uint64_t> ids_of(std::string_view run) const override;

    using Predicate = std::function<bool(const DeadLetter& letter, std::string_view line)>;
    // Removes the letters for which the predicate says so, and returns how many; all else stays
    // byte for byte, and so do mode and owner. The new file takes the old one's place at once: a
    // kill or a failure leaves either. Throws std::system_error, and Failure: cannot_create as
    // above, taken where others have the lock for seconds.
    std::size_t remove_if(const Predicate& goes) const;

    // Throws Failure(no_permission) where remove_if() may not replace the file.
    void require_removable() const;

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace drainpipe
