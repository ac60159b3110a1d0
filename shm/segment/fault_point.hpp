#pragma once

#ifdef DRAINPIPE_FAULT_POINTS
#include <source_location>
#endif

namespace drainpipe {

// A place in the code where a process may be killed: before and after each store of shared state,
// and around each wake-up. In the build for fault tests a process dies at a chosen one; in every
// other build it is nothing at all.
class FaultPoint {
  public:
#ifdef DRAINPIPE_FAULT_POINTS
    static FaultPoint here(std::source_location where = std::source_location::current()) {
        return FaultPoint(where);
    }
    void reached() const;

  private:
    explicit FaultPoint(std::source_location where) : where_(where) {}

    std::source_location where_;
#else
    static constexpr FaultPoint here() noexcept { return {}; }
    constexpr void reached() const noexcept {}
#endif
};

}  // namespace drainpipe
