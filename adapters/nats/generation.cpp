#include "generation.hpp"

#include <cmath>
#include <cstdlib>
#include <ctime>

namespace drainpipe::nats {
namespace {

constexpr double kMoment = 0.25;          // seconds
constexpr std::size_t kUpToSeconds = 19;  // characters

// Seconds since 1970; 0 where it is no time.
double seconds_of(const std::string& created) {
    std::tm parts{};
    const char* const fraction = ::strptime(created.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (fraction == nullptr) {
        return 0;
    }
    return static_cast<double>(::timegm(&parts)) + (*fraction == '.' ? std::atof(fraction) : 0);
}

}  // namespace

bool Generation::is_of(const std::string& created) const {
    return created == created_ ||
           (!created_.empty() && std::abs(seconds_of(created) - seconds_of(created_)) < kMoment);
}

bool Generation::adopt(const std::string& created) {
    if (is_of(created)) {
        return false;
    }
    created_ = created;
    name_ = created.substr(0, kUpToSeconds);
    return true;
}

}  // namespace drainpipe::nats
