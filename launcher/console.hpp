#pragma once

#include <chrono>
#include <string>

namespace drainpipe {

// What a person at the terminal wants to know, on standard error. A line that is out of date a
// moment later (progress) is rewritten in place on a terminal, and printed once a second where
// standard error is something else. A reader that does not read can't hold the launcher up: lines
// are dropped then.
class Console {
  public:
    Console();

    void say(const std::string& line);
    void warn(const std::string& line);
    void show_progress(const std::string& line);

    bool is_terminal() const { return is_terminal_; }

    // How often show_progress() is worth a call.
    std::chrono::milliseconds progress_interval() const;

  private:
    void clear_progress();

    bool is_terminal_;
    bool has_colour_;
    bool shows_progress_ = false;
};

}  // namespace drainpipe
