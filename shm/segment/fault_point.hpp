#pragma once

namespace drainpipe {

// A place in the code where a process may be killed: before and after each store of shared state,
// and around each wake-up. In the build for fault tests a process dies at a chosen one; in every
// other build it is nothing at all.
class FaultPoint {
  public:
#ifdef DRAINPIPE_FAULT_POINTS
    static FaultPoint here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
    void reached() const;

  private:
    FaultPoint(const char* file, int line) : file_(file), line_(line) {}

    const char* file_;
    int line_;
#else
    static constexpr FaultPoint here() noexcept { return {}; }
    constexpr void reached() const noexcept {}
#endif
};

}  // namespace drainpipe
