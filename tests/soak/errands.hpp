#pragma once

// The work of a round that gives its events to a program of the user's, as a command or as a kept
// worker: a shell script that mostly does as it should, and else fails, rejects, hangs, crashes,
// hides a process, answers nonsense or kills the consumer that it works for. Which of these it does
// to an event is settled by the event's id, the attempt and the round's seed.
//
// The last thing before a success is a line "RUN ATTEMPT PAYLOAD" in the file of effects.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dice.hpp"

namespace soak {

struct Errands {
    // How many of a thousand attempts come to that.
    struct Misdeeds {
        int failures;
        int rejections;
        int hangs;
        int crashes;
        int hidden;        // processes in sessions of their own, left running
        int killings;      // of the consumer
        int nonsense;      // answers of a worker
        int late;          // answers of a worker out of their order
        bool is_stubborn;  // those that hang ignore SIGTERM
        bool clears;       // what it hides has no environment
    };

    bool is_worker;  // or a command for each event, or each batch
    std::uint64_t jobs;
    std::uint64_t batch;
    std::uint64_t window;
    std::uint64_t retries;
    std::vector<std::string> flags;  // but for the one that names the script
    Misdeeds misdeeds;
    std::uint64_t seed;

    // Those of a quiet round kill nobody but themselves.
    static Errands draw(Dice& dice, bool is_quiet);

    // The most events of one consumer that are begun and have no outcome.
    [[nodiscard]] std::uint64_t in_hand() const { return jobs * (is_worker ? window : batch); }
    [[nodiscard]] bool may_end_consumer() const { return is_worker || misdeeds.killings > 0; }
    // "--exec=PATH"
    [[nodiscard]] std::string flag(const std::filesystem::path& script) const;
    // Writes it, and what it needs, into the directory.
    void write_script(const std::filesystem::path& directory) const;
};

}  // namespace soak
