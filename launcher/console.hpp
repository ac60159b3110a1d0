#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "live_line.hpp"
#include "terminal.hpp"

namespace drainpipe {

// What a person at the terminal wants to know, on standard error. Figures that are out of date a
// moment later stand in one line that is redrawn in place on a terminal, and are printed once a
// second where standard error is something else. A reader that does not read can't hold the
// launcher up: lines are dropped then.
class Console {
  public:
    struct Options {
        ColorMode colour;
        bool is_quiet;  // errors and the summary alone
    };

    explicit Console(const Options& options);

    void say(const std::string& line);
    // Several lines for a person at a terminal, or else the one line that says the same.
    void say(const std::vector<std::string>& paragraph, const std::string& line);
    void warn(const std::string& line);

    // Whatever is asked for:
    void error(const std::string& line);
    void conclude(const std::string& line);

    // Whether there is a live line; a call of show_live() is worth its while then where it is due.
    bool has_live_line() const { return has_live_line_; }
    bool is_live_line_due() const { return has_live_line_ && live_line_.is_due(); }
    std::size_t columns() const { return live_line_.columns(); }
    void show_live(const std::string& text) { live_line_.show(text); }

    // How often figures are worth a call.
    std::chrono::milliseconds progress_interval() const;

  private:
    void print(const std::string& line, bool is_coloured);

    Terminal terminal_;
    bool is_quiet_;
    bool has_live_line_;
    LiveLine live_line_;
};

}  // namespace drainpipe
