#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drainpipe::wire {

// What a client and the intake say to each other, over a Unix stream socket, in lines of text.
//
// The client sends payloads, each ended by a newline; bytes after the last newline when it shuts
// down its side are no event. The intake answers:
//
//     accepted=K                         so many of this client's events are in the ring
//     refused event=N bytes=B limit=L    its Nth payload can't ever fit; the others go on
//     closed accepted=K reason=R         the last line: the exact count, and why
//
// Reasons: end (the client's side is finished), shutdown (the pipeline is shutting down), leaving
// (this producer leaves, another takes its place), stalled (the client sent nothing for a while
// with a large payload unfinished, and others waited for the room that it takes).
enum class Reason { end, shutdown, leaving, stalled };

std::string accepted_line(std::uint64_t accepted);
std::string refused_line(std::uint64_t event, std::uint64_t bytes, std::uint64_t limit);
std::string closed_line(std::uint64_t accepted, Reason reason);

struct Answer {
    enum class Kind { accepted, refused, closed };
    Kind kind;
    std::uint64_t accepted;  // of accepted and closed
    Reason reason;           // of closed
    std::uint64_t event;     // of refused
};

// Reads a line, without its newline; nothing if it is not of the protocol.
std::optional<Answer> parse_answer(std::string_view line);

}  // namespace drainpipe::wire
