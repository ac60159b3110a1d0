#pragma once

// What was done to whom in a round, and what came of it, with the time as the log shows it.

#include <signal.h>

#include <string>
#include <string_view>
#include <vector>

namespace soak {

class Story {
  public:
    void tell(std::string_view deed);
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  private:
    std::vector<std::string> lines_;
};

// "SIGKILL".
std::string signal_name(int signal);

}  // namespace soak
