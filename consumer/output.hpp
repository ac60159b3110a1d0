#pragma once

#include <string_view>
#include <vector>

namespace drainpipe {

// Where payloads go, one per line. A consumer killed in the middle of a write leaves a line cut;
// its successor mends that before it writes, so that a repeated payload never hangs on to a piece.
class Output {
  public:
    // The descriptor is not owned.
    explicit Output(int fd);

    // Writes whole lines. To a pipe it writes them in pieces that a kill can't cut, but for lines
    // that are larger than such a piece. Throws Failure(io).
    void write(std::string_view lines) const;

    // Takes away a piece of one of these payloads that ends a file. Elsewhere, where a piece can't
    // be taken back, it ends the line if there may be one. Requires that nothing was written yet.
    void mend(const std::vector<std::string_view>& begun_payloads) const;

  private:
    enum class Kind { file, pipe, other };

    void mend_file(const std::vector<std::string_view>& begun_payloads) const;

    int fd_;
    Kind kind_;
};

}  // namespace drainpipe
