#include "story.hpp"

#include <cstring>
#include <ctime>

namespace soak {

void Story::tell(std::string_view deed) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    ::gmtime_r(&now.tv_sec, &utc);
    char seconds[32];
    const auto size = std::strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    auto fraction = std::to_string(1'000'000 + now.tv_nsec / 1000);
    fraction[0] = '.';
    lines_.push_back(std::string(seconds, size) + fraction + "Z " + std::string(deed));
}

std::string signal_name(int signal) {
    const char* const name = ::sigabbrev_np(signal);
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace soak
