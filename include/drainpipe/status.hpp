#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drainpipe {

// How a running pipeline stands: a snapshot of a moment ago, right in its sums.
struct Status {
    using Seconds = std::chrono::duration<double>;

    enum class Phase : std::uint8_t {
        running,
        stopping,  // the intake closes
        draining,  // what is accepted is done
    };

    // A process that the launcher keeps running.
    struct Child {
        enum class State : std::uint8_t {
            gone,      // there is none, and none is to be started
            starting,  // it has not reported that it is ready
            running,
            stopped,  // by SIGSTOP, or a debugger
            waiting,  // for its restart
        };

        std::int64_t pid;  // 0 where none runs, or it can't be seen from this pid namespace
        State state;
        Seconds uptime;          // 0 where none runs
        std::uint64_t restarts;  // in this run

        bool is_there() const {
            return state == State::starting || state == State::running || state == State::stopped;
        }
    };

    struct Producer : Child {
        std::uint64_t clients;  // connected to the intake
    };

    struct Consumer : Child {
        std::uint32_t number;     // from 1
        std::uint64_t in_flight;  // given to it; what all have adds up, but in a broadcast
        std::uint64_t demand;     // asked for and not given
        std::uint64_t jobs;       // commands that run, or workers
    };

    // The engine that the events come from (--source).
    struct Source {
        std::string url;  // without user and password
        bool is_connected;
        std::uint64_t pending;         // messages that wait there
        std::uint64_t ack_pending;     // delivered there, to anybody, and not acknowledged
        std::uint64_t unacknowledged;  // events here, done, that the engine has yet to be told of
        std::uint64_t given_back;      // events here that were given back undone, in this run
    };

    // How the stop goes on.
    struct Stop {
        std::string reason;                     // as `stopping reason=` has it
        std::optional<Seconds> seconds_to_end;  // at the rate of the last second; none without one
        Seconds seconds_to_deadline;            // not below 0
    };

    // How long the work on events took, of all consumers: that of commands, workers and handlers.
    struct WorkTimes {
        struct Bucket {
            double at_most;        // seconds
            std::uint64_t events;  // that took at most so long, and longer than the bucket before
        };

        std::vector<Bucket> buckets;  // the shortest first
        std::uint64_t longer;         // than the last bucket's
        std::uint64_t events;         // all
        double seconds;               // all of them together
    };

    std::string name;
    std::string run;  // see Event::run()
    Phase phase;
    Seconds uptime;          // of the run
    std::int64_t launcher;   // its pid; 0 where it can't be seen from this pid namespace
    Seconds last_heartbeat;  // since the launcher has last looked after all: it does so each second

    // Events of this run, and what it has recovered. Always
    // accepted = processed + emptied + drained + dead + left; what was given back to a source is
    // not among them.
    std::uint64_t accepted;
    std::uint64_t processed;  // done before the stop
    std::uint64_t emptied;    // in flight when the stop came, done since
    std::uint64_t drained;    // buffered when the stop came, done since
    std::uint64_t dead;       // among the dead letters
    std::uint64_t done() const { return processed + emptied + drained; }
    std::uint64_t left;       // in_flight + buffered
    std::uint64_t in_flight;  // given to a consumer
    std::uint64_t buffered;
    std::uint64_t retrying;     // those in flight that wait for a retry
    std::uint64_t redelivered;  // begun again after their process had died
    std::uint64_t retried;      // attempts after a failure

    std::uint64_t demand;             // of all consumers
    std::uint64_t capacity;           // events that the ring can hold
    std::uint64_t buffer_bytes;       // payload bytes that it can hold
    std::uint64_t buffer_used_bytes;  // of them, those of events that are left
    std::uint64_t log_lines_lost;

    double accepted_per_second;  // over the last second or so
    double done_per_second;
    Seconds oldest_event;  // since the oldest one of those that are left was accepted; 0 without

    Producer producer;
    std::uint64_t consumer_restarts;  // of all, those too that are gone for good
    std::vector<Consumer> consumers;  // that are to be there, or are on their way out
    std::optional<Source> source;     // with --source
    std::optional<Stop> stop;         // while it stops
    WorkTimes work;
};

// Reads it, and can do nothing else: no lock is taken, so that it answers beside a process that
// hangs with the ring's lock held. Throws std::runtime_error, with the reason, where no pipeline of
// that name has a segment, it is another user's, or it is of another version of this library. Any
// thread may call.
[[gnu::visibility("default")]] Status read_status(const std::string& name = "drainpipe");

}  // namespace drainpipe
