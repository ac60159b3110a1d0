#pragma once

// Where one round happens: a pipeline name that nobody else has, and a directory for its socket,
// log, output and clients. Whatever is left of the round when the room goes, processes of that name
// and the segment, goes with it; the directory too, unless it is to be kept.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/process.hpp"

namespace soak {

class Room {
  public:
    Room();
    ~Room();
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
    [[nodiscard]] std::filesystem::path run_dir() const { return directory_ / "run"; }
    [[nodiscard]] std::filesystem::path log_file() const { return directory_ / "log" / "info.log"; }
    // What the consumers of all runs put out.
    [[nodiscard]] std::filesystem::path output() const { return directory_ / "output"; }
    [[nodiscard]] std::filesystem::path dead_letters() const {
        return directory_ / "log" / "dead.ndjson";
    }
    // Where errands leave what they did, and whom they killed.
    [[nodiscard]] std::filesystem::path effects() const { return directory_ / "effects"; }
    [[nodiscard]] std::filesystem::path killings() const { return directory_ / "killings"; }
    [[nodiscard]] std::filesystem::path segment() const { return "/dev/shm/" + name_; }
    [[nodiscard]] std::filesystem::path socket() const { return run_dir() / (name_ + ".sock"); }

    // A program with this pipeline's --name and --run-dir before the arguments.
    [[nodiscard]] harness::Command command(std::string_view program,
                                           const std::vector<std::string>& arguments) const;
    // A file that is not there yet.
    [[nodiscard]] std::filesystem::path new_file(std::string_view stem);

    // The processes of this name other than clients, and their errands, in words; empty when there
    // are none.
    [[nodiscard]] std::string running() const;
    // What is still there of segment, socket and lock.
    [[nodiscard]] std::string left_files() const;

    // Keeps the directory for a look at it, and puts a copy of the segment there.
    void keep();

  private:
    void end_processes() const;

    const std::filesystem::path directory_;
    const std::string name_;
    int files_ = 0;
    bool is_kept_ = false;
};

}  // namespace soak
