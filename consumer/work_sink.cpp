#include "work_sink.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

WorkSink::WorkSink(Output& output, Log& log, RecordLimit limit)
    : output_(output), log_(log), limit_(limit), prefix_(prefix_now()) {}

std::string WorkSink::prefix_now() const {
    return log_.sink().prefix(log_.program(), spdlog::level::info);
}

void WorkSink::add(const EventDone& event) {
    if (size_ == 0) {
        prefix_ = prefix_now();
    }
    char* end = copy_bytes(payloads_.room(event.payload.size() + 1), event.payload);
    *end++ = '\n';
    payloads_.grow_to(end);
    ++size_;
    if (!limit_.is_unlimited() && !limit_.takes(RecordLimit::Clock::now())) {
        return;
    }
    end = copy_bytes(records_.room(prefix_.size() + kMaxRecord + 1), prefix_);
    end = write_record(end, event);
    *end++ = '\n';
    records_.grow_to(end);
    ++record_count_;
}

void WorkSink::tell_left_out() {
    if (limit_.left_out() > 0) {
        log_.info("left out records={}", limit_.take_left_out());
    }
}

void WorkSink::flush() {
    if (size_ == 0) {
        return;
    }
    output_.write(payloads_.text());
    if (record_count_ > 0) {
        log_.sink().write_records(records_.text(), record_count_);
    }
    payloads_.clear();
    records_.clear();
    size_ = record_count_ = 0;
    if (limit_.left_out() > 0 && RecordLimit::Clock::now() >= next_telling_) {
        next_telling_ = RecordLimit::Clock::now() + kBetweenTellings;
        tell_left_out();
    }
}

}  // namespace drainpipe
