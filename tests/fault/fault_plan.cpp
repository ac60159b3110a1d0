#include "fault_plan.hpp"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "fault_point.hpp"

namespace drainpipe {

void FaultPoint::reached() const {
    std::string_view file = file_;
    file.remove_prefix(file.rfind('/') + 1);
    test::FaultPlan::current().reach(std::string(file) + ":" + std::to_string(line_));
}

namespace test {

FaultPlan& FaultPlan::current() {
    static FaultPlan plan;
    return plan;
}

void FaultPlan::die_at(std::size_t count) {
    count_ = 0;
    deadly_ = count;
}

void FaultPlan::remember() {
    count_ = 0;
    deadly_ = 0;
    remembers_ = true;
    reached_.clear();
}

void FaultPlan::reach(const PointName& point) {
    ++count_;
    if (remembers_) {
        reached_.insert(point);
    }
    if (count_ == deadly_) {
        ::kill(::getpid(), SIGKILL);
    }
}

}  // namespace test
}  // namespace drainpipe
