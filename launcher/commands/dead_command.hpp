#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "address.hpp"
#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {

// What a person does with dead letters: `launcher dead list|retry|drop`.
struct DeadCommand {
    enum class Verb { list, retry, drop };

    Verb verb;
    bool as_json;                 // list: the lines as they stand in the file
    std::set<std::uint64_t> ids;  // empty: all letters
};

// Reads the words that follow `dead`, and the switches --json and --all. Throws Failure(usage).
DeadCommand parse_dead_command(const std::vector<std::string>& words, bool has_json, bool has_all);

// Does it with the letters of that file; the pipeline may append meanwhile. An id means the letters
// of every run that has it.
//
// list prints a line for each letter. drop removes letters and prints `dropped=K`. retry puts them
// into the running pipeline, however long that has no room, until a signal of `signals`; then it
// removes those that are in for certain and prints `retried=K`: killed in between, it leaves an
// event in both, never in neither.
//
// Throws Failure: usage, with nothing changed, where a letter is not there; io where letters can't
// be read or retried, and stay; and, from retry, what connect_to_intake and Enqueue have.
ExitCode run_dead_command(const DeadCommand& command, const std::filesystem::path& file,
                          const Address& address, Descriptor signals);

}  // namespace drainpipe
