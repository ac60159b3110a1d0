#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace drainpipe::test {

// A fault point as the code names it: "ring_writer.cpp:71".
using PointName = std::string;

// What a process does at the fault points that it reaches. Each process has one; a forked one
// starts with its parent's.
class FaultPlan {
  public:
    // The plan of this process.
    static FaultPlan& current();

    // Dies of SIGKILL at the `count`th point that is reached from now on; 0 lets it live.
    void die_at(std::size_t count);

    // Remembers the points that are reached from now on, and no earlier ones.
    void remember();
    const std::set<PointName>& reached() const { return reached_; }
    std::size_t count() const { return count_; }

    void reach(const PointName& point);

  private:
    std::size_t count_ = 0;
    std::size_t deadly_ = 0;
    bool remembers_ = false;
    std::set<PointName> reached_;
};

}  // namespace drainpipe::test
