#include "moments.hpp"

#include <utility>

namespace drainpipe {

void Moments::add(Moment moment) {
    if (first_.size() < most_) {
        first_.push_back(std::move(moment));
        return;
    }
    last_.push_back(std::move(moment));
    if (last_.size() > most_) {
        last_.pop_front();
        ++left_out_;
    }
}

}  // namespace drainpipe
