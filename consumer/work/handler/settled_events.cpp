#include "settled_events.hpp"

#include <sys/eventfd.h>

namespace drainpipe {
namespace {

const char* reason_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

}  // namespace

void SettledEvents::add(Settled settled) {
    const std::lock_guard guard(mutex_);
    if (is_closed_) {
        return;
    }
    settled_.push_back(std::move(settled));
    if (settled_.size() == 1) {
        ::eventfd_write(wake_.get(), 1);
    }
}

void SettledEvents::explain(std::uint64_t id, const std::exception_ptr& thrown) {
    const std::lock_guard guard(mutex_);
    for (Settled& settled : settled_) {
        if (settled.id == id && settled.is_by_default) {
            settled.outcome = retry(reason_of(thrown));
        }
    }
}

std::vector<SettledEvents::Settled> SettledEvents::take() {
    const std::lock_guard guard(mutex_);
    eventfd_t ignored = 0;
    if (!settled_.empty()) {
        ::eventfd_read(wake_.get(), &ignored);
    }
    return std::exchange(settled_, {});
}

void SettledEvents::close() {
    const std::lock_guard guard(mutex_);
    is_closed_ = true;
}

}  // namespace drainpipe
