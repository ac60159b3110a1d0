#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "layout.hpp"

namespace drainpipe {

// Whether events may be begun where a source settles them: no longer than the engine that they come
// from was told to deliver them to nobody else.
class Lease {
  public:
    // The header outlives this object.
    explicit Lease(const Header& header)
        : header_(header), is_needed_(header.geometry.is_tracked != 0) {}

    bool is_needed() const { return is_needed_; }
    bool is_held() const { return !is_needed_ || now() < header_.lease_until.load(); }

    // CLOCK_BOOTTIME, in ns: it goes on while the machine sleeps.
    static std::int64_t now() {
        timespec time{};
        ::clock_gettime(CLOCK_BOOTTIME, &time);
        return std::int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
    }

  private:
    const Header& header_;
    bool is_needed_;
};

}  // namespace drainpipe
