#pragma once

#include <string>

#include "output.hpp"
#include "results.hpp"

namespace drainpipe {

// Results on standard output, each whole. Throws what Output throws.
class PrintedResults final : public Results {
  public:
    explicit PrintedResults(Output& output) : output_(output) {}

    void add(std::uint64_t /*id*/, CapturedOutput& output) override { output.write_to(output_); }
    void add_line(std::uint64_t /*id*/, std::string_view line) override {
        lines_.append(line).append(1, '\n');
    }
    void flush() override {
        if (!lines_.empty()) {
            output_.write_whole(lines_);
            lines_.clear();
        }
    }

  private:
    Output& output_;
    std::string lines_;
};

}  // namespace drainpipe
