#include "work_sink.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

WorkSink::WorkSink(Output& output, Log& log) : output_(output), log_(log), prefix_(prefix_now()) {}

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
    end = copy_bytes(records_.room(prefix_.size() + kLongestRecord + 1), prefix_);
    end = write_record(end, event);
    *end++ = '\n';
    records_.grow_to(end);
    ++size_;
}

void WorkSink::flush() {
    if (size_ == 0) {
        return;
    }
    output_.write(payloads_.text());
    log_.sink().write_records(records_.text(), size_);
    payloads_.clear();
    records_.clear();
    size_ = 0;
}

}  // namespace drainpipe
