#pragma once

#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "descriptor.hpp"
#include "timed_lock.hpp"

namespace drainpipe {

// Writes whole records to a file that several processes append to.
//
// One write(2) per flush, on a descriptor opened with O_APPEND and under the file's lock: records
// of different processes don't mix. A process killed in the middle of a write leaves a torn record
// behind; the next writer takes it away, so that a record is in the file whole or not at all. A
// write that fails (a full disk), or goes to a file that was removed, loses its records and counts
// them; it never stops the caller, and nor does another writer that was stopped with the lock: who
// can't wait for it appends beside it, and nothing is taken away meanwhile.
class LogSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    // Opens the file, makes it if need be. Throws std::system_error if it can't, or goes on without
    // a file, all records lost, where it may be missing.
    // `label` stands before the message in every record.
    enum class File { required, may_be_missing };
    LogSink(std::filesystem::path path, File need, const std::string& label = "");

    // What stands before the message in a record of this logger at this moment.
    std::string prefix(std::string_view logger, spdlog::level::level_enum level);

    // Appends finished records (`records` of them, each with its newline), after those that were
    // logged before.
    void write_records(std::string_view text, std::uint64_t records);

    // Goes on in a new file if the old one was renamed or removed; makes the directory again if
    // that is gone. On failure it stays with the old one and returns false.
    bool reopen();

    // Records lost since the last call.
    std::uint64_t take_lost();

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override;

  private:
    void write_out(std::string_view text, std::uint64_t records);
    bool take_file_lock();
    void write_beside_lock(std::string_view text, std::uint64_t records);
    // Whether all of it is in the file.
    bool append(std::string_view text, std::uint64_t records);
    // Takes a torn record away, or ends another line that is open; the size of the file then.
    off_t mend_end() const;

    std::filesystem::path path_;
    Descriptor file_;
    spdlog::memory_buf_t buffer_;
    std::uint64_t buffered_records_ = 0;
    std::uint64_t lost_ = 0;
    off_t whole_size_ = 0;  // after the last record: a file of that size needs no look at its end
    TimedLock lock_timing_;
};

}  // namespace drainpipe
