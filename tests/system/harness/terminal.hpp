#pragma once

// A terminal of the test's own: what programs see as one, and what they show on it.

#include <filesystem>
#include <string>
#include <string_view>

namespace harness {

class Terminal {
  public:
    Terminal();
    ~Terminal() { hang_up(); }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    // What a program opens as its end.
    [[nodiscard]] std::filesystem::path path() const;
    // All that was shown so far. A program that shows much waits until this is called.
    const std::string& shown();
    // What a person types.
    void type(std::string_view keys) const;
    void hang_up();

  private:
    int end_;
    std::string shown_;
};

}  // namespace harness
