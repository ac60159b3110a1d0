#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor.hpp"
#include "line_output.hpp"
#include "timed_lock.hpp"

namespace drainpipe {

// Where the payloads of all consumers go, one per line. A consumer killed in the middle of a write
// leaves a line cut; the next one to write mends that first, so that no payload ever hangs on to a
// piece of another.
class Output final : public LineOutput {
  public:
    // What the consumers share of it, and what is asked of the process around it.
    class Host {
      public:
        virtual ~Host() = default;

        // Takes the output for this consumer; false while another one has it.
        [[nodiscard]] virtual bool try_output() = 0;
        virtual void leave_output() = 0;

        // Whether a line may have been cut by a kill, of a consumer that held the output.
        virtual bool may_be_cut() const = 0;
        virtual void set_may_be_cut(bool on) = 0;
        // The payloads that a killed consumer may have been writing.
        virtual std::vector<std::string_view> begun_payloads() = 0;

        // Whether there is time to wait for room.
        virtual bool may_begin() const = 0;
        virtual void warn(const std::string& what) = 0;
    };

    // The descriptor is not owned.
    Output(int fd, Host& host);

    // Writes whole lines. To a pipe it writes them in pieces that a kill can't cut, but for lines
    // that are larger than such a piece. Where the disk is full it says so and waits for room.
    // Throws Failure(io) for what no wait mends: a reader that is gone, a full disk at the
    // deadline.
    void write(std::string_view lines) override;

    // Writes what belongs together, lines or not, with nothing of another consumer in it: one part
    // after the other, until there is an empty one. Killed in the middle it leaves what was written
    // so far, and the next one to write begins a new line.
    void write_whole(const std::function<std::string_view()>& next_part);
    void write_whole(std::string_view bytes);

  private:
    enum class Kind { file, pipe, other };

    // False when a stopped consumer has the output, and nothing is torn by writing all the same.
    [[nodiscard]] bool take(bool is_cuttable);
    // Whether a kill in the middle of writing these lines could cut one, or another writer could
    // get in between.
    bool is_cuttable(std::string_view lines) const;
    void write_lines(std::string_view lines) const;
    void put_out(std::string_view bytes) const;
    // The same in one write with what is to stand before it.
    void put_out(std::string_view before, std::string_view bytes) const;
    // What takes away a line that the launcher has drawn on the terminal that this is.
    std::string_view before_lines() const;
    void write_cuttable(std::string_view lines) const;
    void mend();
    // Ends what a killed consumer may have left cut; whether there may be such.
    bool mend_cut();
    bool ends_with_newline() const;
    // Where the file ends once no line in it is cut.
    off_t mend_file() const;

    int fd_;
    Kind kind_;
    bool appends_;
    Host& host_;
    TimedLock lock_timing_;
    Descriptor reading_;   // of a file
    off_t whole_end_ = 0;  // after the last lines: a file that ends there needs no look at its end
};

}  // namespace drainpipe
