#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "event_record.hpp"
#include "log.hpp"
#include "output.hpp"
#include "record_limit.hpp"
#include "text_block.hpp"

namespace drainpipe {

// Where the work on events goes: the payload to an output, a record to the log. A burst is kept
// and leaves in two writes.
class WorkSink {
  public:
    WorkSink(Output& output, Log& log, RecordLimit limit);

    void add(const EventDone& event);

    // The events added since the last flush.
    std::uint64_t size() const { return size_; }
    bool is_full() const { return payloads_.size() + records_.size() >= kFlushBytes; }

    // Writes what was added; then the work on it is done. The payloads go first: a record never
    // claims what has not left. Throws Failure(io) when the output is broken.
    void flush();

    // Logs how many records the limit has left out and were not told of yet.
    void tell_left_out();

  private:
    std::string prefix_now() const;

    static constexpr std::size_t kFlushBytes = 256 * 1024;

    // Between two records of what was left out.
    static constexpr std::chrono::seconds kBetweenTellings{1};

    Output& output_;
    Log& log_;
    RecordLimit limit_;
    RecordLimit::Clock::time_point next_telling_{};
    // Of the records, rendered once a burst. The first time reads the time zone's file, and is not
    // left to a burst.
    std::string prefix_;
    // What a thousand events take as a rule.
    TextBlock payloads_{32 * 1024};
    TextBlock records_{128 * 1024};
    std::uint64_t size_ = 0;
    std::uint64_t record_count_ = 0;  // of those, the ones that get a record
};

}  // namespace drainpipe
