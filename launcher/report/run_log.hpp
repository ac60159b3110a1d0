#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string_view>

#include "run_history.hpp"

namespace drainpipe {

// The runs in a log, told apart by the pipeline's name and by what begins and ends one.
class RunLog {
  public:
    // Keeps so many runs, the last ones that began; of those that may still go on in the log all,
    // if there are not more.
    explicit RunLog(std::size_t most) : most_(most) {}

    // Reads all of it. Throws Failure, as LogLines does.
    void read(const std::filesystem::path& path);
    void take_line(std::string_view line, bool is_whole);
    // That all lines were taken.
    void finish();

    // In the order in which they began.
    const std::deque<RunHistory>& runs() const { return runs_; }
    std::uint64_t forgotten() const { return forgotten_; }  // earlier runs
    std::uint64_t lines() const { return lines_; }
    std::uint64_t foreign_lines() const { return foreign_lines_; }  // no records of ours

  private:
    RunHistory& run_of(const LogRecord& record);

    std::size_t most_;
    std::deque<RunHistory> runs_;
    std::uint64_t forgotten_ = 0;
    std::uint64_t lines_ = 0;
    std::uint64_t foreign_lines_ = 0;
};

}  // namespace drainpipe
