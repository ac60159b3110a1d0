#pragma once

#include <string>
#include <vector>

namespace drainpipe {

// A command as a user wrote it: what /bin/sh -c runs. Where it has no character that means
// something to a shell, and names a program and no builtin, it is run directly, which nobody can
// tell but by the clock.
class ShellCommand {
  public:
    explicit ShellCommand(std::string text);

    const std::string& text() const { return text_; }

    // The program that is run directly, found through PATH when this was made; empty where the
    // shell runs it.
    const std::string& program() const { return program_; }
    const std::vector<std::string>& words() const { return words_; }

  private:
    std::string text_;
    std::vector<std::string> words_;
    std::string program_;
};

}  // namespace drainpipe
