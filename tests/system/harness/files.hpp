#pragma once

// Small text and directory helpers of the system tests.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// The whole content from byte `start` on; empty when there is no such file.
std::string read_text(const std::filesystem::path& path, std::uint64_t start = 0);

// Replaces the content. Throws std::system_error when the file can't be written.
void write_text(const std::filesystem::path& path, std::string_view text);

// Writes a file and makes it executable: a stand-in for a program.
void write_script(const std::filesystem::path& path, std::string_view text);

// The lines without their newlines. A last line without one counts; the views live as long as
// `text`.
std::vector<std::string_view> lines_of(std::string_view text);
// How often each line stands there.
std::map<std::string, int> line_counts(std::string_view text);

// "first\n...\nlast\n", each with `prefix` before the number.
std::string numbers(std::uint64_t first, std::uint64_t last, std::string_view prefix = "");

// A new directory of its own below the system's temporary directory, removed with all it holds.
class TemporaryDirectory {
  public:
    // The directory's name is PREFIX-PID- and six random characters: no two tests ever share one.
    explicit TemporaryDirectory(std::string_view prefix);
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace harness
