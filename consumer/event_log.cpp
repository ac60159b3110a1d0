#include "event_log.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

EventLog::EventLog(Log& log, RecordLimit limit)
    : log_(log), limit_(limit), prefix_(prefix_now(spdlog::level::info)) {}

std::string EventLog::prefix_now(spdlog::level::level_enum level) const {
    return log_.sink().prefix(log_.program(), level);
}

void EventLog::add_warning(std::string_view message) {
    const std::string record = prefix_now(spdlog::level::warn).append(message).append(1, '\n');
    records_.grow_to(copy_bytes(records_.room(record.size()), record));
    ++count_;
}

void EventLog::add(CompletionKind kind, std::span<const Event> events, Took took) {
    if (is_off()) {
        leave_out(events.size());
        return;
    }
    if (count_ == 0) {
        prefix_ = prefix_now(spdlog::level::info);
    }
    char* end = records_.room(events.size() * (prefix_.size() + kMaxRecord + 1));
    for (const Event& event : events) {
        if (limit_.is_unlimited() || limit_.takes(RecordLimit::Clock::now())) {
            end = write_record(copy_bytes(end, prefix_), kind, event, took);
            *end++ = '\n';
            ++count_;
        }
    }
    records_.grow_to(end);
}

void EventLog::flush() {
    if (count_ > 0) {
        log_.sink().write_records(records_.text(), count_);
        records_.clear();
        count_ = 0;
    }
    if (limit_.left_out() > 0 && RecordLimit::Clock::now() >= next_telling_) {
        next_telling_ = RecordLimit::Clock::now() + kBetweenTellings;
        tell_left_out();
    }
}

void EventLog::tell_left_out() {
    if (limit_.left_out() > 0) {
        log_.info("left out records={}", limit_.take_left_out());
    }
}

}  // namespace drainpipe
