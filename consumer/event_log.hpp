#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "event_record.hpp"
#include "log.hpp"
#include "record_limit.hpp"
#include "text_block.hpp"

namespace drainpipe {

// The log's records of events that are done. A burst of them is kept and leaves in one write: after
// the work has had its effect, so that no record claims what has not, and before the events are
// committed.
class EventLog {
  public:
    EventLog(Log& log, RecordLimit limit);

    void add(CompletionKind kind, std::span<const Event> events, Took took = std::nullopt);
    // Whether no event gets a record. So many are counted as left out then.
    bool is_off() const { return limit_.is_off(); }
    void leave_out(std::uint64_t events) { limit_.leave_out(events); }

    // A record that no limit leaves out.
    void add_warning(std::string_view message);
    bool is_full() const { return records_.size() >= kFlushBytes; }
    void flush();

    // Logs how many records the limit has left out and were not told of yet.
    void tell_left_out();

  private:
    std::string prefix_now(spdlog::level::level_enum level) const;

    static constexpr std::size_t kFlushBytes = 192 * 1024;
    // Between two records of what was left out.
    static constexpr std::chrono::seconds kBetweenTellings{1};

    Log& log_;
    RecordLimit limit_;
    RecordLimit::Clock::time_point next_telling_{};
    // Rendered once a burst. The first time reads the time zone's file, and is not left to a burst.
    std::string prefix_;
    TextBlock records_{128 * 1024};  // what a thousand events take as a rule
    std::uint64_t count_ = 0;
};

}  // namespace drainpipe
