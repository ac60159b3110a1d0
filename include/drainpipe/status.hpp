#pragma once

#include <cstdint>
#include <string>

namespace drainpipe {

// How a running pipeline stands: a snapshot, right in its sums, of a moment ago.
struct Status {
    enum class Phase : std::uint8_t {
        running,
        stopping,  // the intake closes
        draining,  // what is accepted is done
    };

    std::string name;
    std::string run;        // see Event::run()
    std::int64_t launcher;  // its pid, in its own pid namespace
    Phase phase;
    std::uint32_t consumers;  // that there are to be

    // Events of this run, and what it has recovered. Always
    // accepted = processed + emptied + drained + dead + left.
    std::uint64_t accepted;
    std::uint64_t processed;  // done before the stop
    std::uint64_t emptied;    // in flight when the stop came, done since
    std::uint64_t drained;    // buffered when the stop came, done since
    std::uint64_t dead;       // among the dead letters
    std::uint64_t left;       // in_flight + buffered
    std::uint64_t in_flight;  // given to a consumer; those that wait for a retry are among them
    std::uint64_t buffered;
    std::uint64_t redelivered;  // begun again after their process had died
    std::uint64_t retried;      // attempts after a failure

    std::uint64_t capacity;      // events that the ring can hold
    std::uint64_t buffer_bytes;  // payload bytes that it can hold
};

// Reads it, and can do nothing else: no lock is taken, so that it answers beside a process that
// hangs with the ring's lock held. Throws std::runtime_error, with the reason, where no pipeline of
// that name has a segment, it is another user's, or it is of another version of this library. Any
// thread may call.
[[gnu::visibility("default")]] Status read_status(const std::string& name = "drainpipe");

}  // namespace drainpipe
