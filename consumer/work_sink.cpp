#include "work_sink.hpp"

namespace drainpipe {

void WorkSink::add(const EventDone& event) {
    if (size_ == 0) {
        prefix_ = log_.sink().prefix(log_.program(), spdlog::level::info);
    }
    payloads_ += event.payload;
    payloads_ += '\n';
    records_ += prefix_;
    append_record(records_, event);
    records_ += '\n';
    ++size_;
}

void WorkSink::flush() {
    if (size_ == 0) {
        return;
    }
    output_.write(payloads_);
    log_.sink().write_records(records_, size_);
    payloads_.clear();
    records_.clear();
    size_ = 0;
}

}  // namespace drainpipe
