#include <ctime>

#include "drainpipe/source.hpp"
#include "source_intake_body.hpp"

namespace drainpipe {

const Endpoint& SourceIntake::endpoint() const { return body_.host().endpoint; }

SourceIntake::Room SourceIntake::room() const { return body_.room(); }
std::size_t SourceIntake::largest() const { return body_.largest(); }
std::size_t SourceIntake::push(const std::vector<Message>& messages) {
    return body_.push(messages);
}
SourceIntake::Known SourceIntake::find(std::uint64_t key) const { return body_.find(key); }
bool SourceIntake::is_closing() const { return body_.is_closing(); }
int SourceIntake::closing_fd() const { return body_.host().closing_fd; }

std::vector<HeldEvent> SourceIntake::held() const { return body_.held(); }
std::vector<HeldEvent> SourceIntake::wait_for_fates(Clock::time_point until) {
    return body_.wait_for_fates(until);
}
void SourceIntake::settle(const std::vector<std::uint64_t>& ids) { body_.settle(ids); }
void SourceIntake::set_lease(LeaseTime until) { body_.set_lease(until); }
SourceIntake::LeaseTime SourceIntake::lease() const { return body_.lease(); }
void SourceIntake::withdraw(const std::vector<std::uint64_t>& ids) { body_.withdraw(ids); }
bool SourceIntake::is_giving_back() const { return body_.host().is_giving_back(); }
bool SourceIntake::is_over() const { return body_.is_over(); }

SourceIntake::LeaseTime SourceIntake::lease_clock() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void SourceIntake::report(const State& state) { body_.report(state); }
bool SourceIntake::has_been_connected() const { return body_.has_been_connected(); }
void SourceIntake::info(const std::string& what) { body_.host().info(what); }
void SourceIntake::warn(const std::string& what) { body_.host().warn(what); }
void SourceIntake::refuse(int exit_code, const std::string& why) {
    body_.host().refuse(exit_code, why);
}

}  // namespace drainpipe
