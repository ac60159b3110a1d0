#pragma once

// The work of a round that gives its events to a program of the user's, as a command, as a kept
// worker or as a consumer of the user's own. The first two are a shell script that mostly does as
// it should, and else fails, rejects, hangs, crashes, hides a process, answers nonsense or kills
// the consumer that it works for; the third is stages/errand_stage, which fails, throws, rejects,
// dies, or lets go of a token. Which of these is done to an event is settled by the event's id, the
// attempt and the round's seed.
//
// The last thing before a success is a line "RUN ATTEMPT PAYLOAD" in the file of effects.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dice.hpp"

namespace soak {

struct Errands {
    enum class Kind : std::uint8_t { command, worker, stage };

    // How many of a thousand attempts come to that.
    struct Misdeeds {
        int failures;
        int rejections;
        int hangs;
        int crashes;
        int hidden;        // processes in sessions of their own, left running
        int killings;      // of the consumer; of a stage by itself
        int nonsense;      // answers of a worker
        int late;          // answers of a worker out of their order; outcomes of a stage
        int lost;          // tokens of a stage that go away unsettled
        bool is_stubborn;  // those that hang ignore SIGTERM
        bool clears;       // what it hides has no environment
    };

    Kind kind;                   // a command is for each event, or each batch
    bool is_async;               // of a stage: it settles tokens
    std::uint64_t most_in_call;  // of a stage: it takes batches; 0: it does not
    std::uint64_t jobs;
    std::uint64_t batch;
    std::uint64_t window;  // of a stage: the most events that are committed together
    std::uint64_t retries;
    std::vector<std::string> flags;  // but for the one that names the program
    Misdeeds misdeeds;
    std::uint64_t seed;

    // Those of a quiet round kill nobody but themselves.
    static Errands draw(Dice& dice, bool is_quiet);

    // The most events of one consumer that are begun and have no outcome.
    [[nodiscard]] std::uint64_t in_hand() const {
        return jobs * (kind == Kind::command ? batch : window);
    }
    // What fails in a batch is tried again alone, once at least.
    [[nodiscard]] std::uint64_t most_attempts() const {
        return 1 + (batch > 1 ? std::max<std::uint64_t>(retries, 1) : retries);
    }
    [[nodiscard]] bool may_end_consumer() const {
        return kind == Kind::worker || misdeeds.killings > 0;
    }
    // Whether processes beside the consumers do the work.
    [[nodiscard]] bool has_processes() const { return kind != Kind::stage; }
    // "--exec=DIRECTORY/errand"
    [[nodiscard]] std::string flag(const std::filesystem::path& directory) const;
    // Writes the program, and what it needs, into the directory.
    void write_program(const std::filesystem::path& directory) const;

  private:
    void draw_processes(Dice& dice);
    void draw_stage(Dice& dice);
    void write_script(const std::filesystem::path& directory) const;
    void write_stage(const std::filesystem::path& directory) const;
};

}  // namespace soak
