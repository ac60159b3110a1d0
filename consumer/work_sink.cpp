#include "work_sink.hpp"

#include "copy_bytes.hpp"

namespace drainpipe {

void WorkSink::add(const EventDone& event) {
    if (size_ == 0) {
        prefix_ = log_.sink().prefix(log_.program(), spdlog::level::info);
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
