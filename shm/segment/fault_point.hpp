#pragma once

namespace drainpipe {

// The place of a store of shared state in the code. A build for fault tests kills the process at a
// chosen one; in every other build it is nothing at all.
class FaultPoint {
  public:
    static constexpr FaultPoint here() noexcept { return {}; }

    void before_store() const noexcept {}
    void after_store() const noexcept {}
};

}  // namespace drainpipe
