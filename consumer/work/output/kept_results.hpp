#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "results.hpp"

namespace drainpipe {

// Results in memory, until they are asked for.
class KeptResults final : public Results {
  public:
    struct Kept {
        std::string text;     // empty where there is none
        std::string failure;  // why it could not be kept; empty where it could
    };

    void add(std::uint64_t id, CapturedOutput& output) override;
    void add_line(std::uint64_t id, std::string_view line) override;
    void flush() override {}

    // The event's, which is forgotten.
    Kept take(std::uint64_t id);

  private:
    std::map<std::uint64_t, Kept> kept_;
};

}  // namespace drainpipe
