#pragma once

#include <string_view>

namespace drainpipe {

// Writes what a program was asked for to standard output. Throws Failure(io) where it can't be
// written: it is full, or no process reads it.
void print_answer(std::string_view text);

}  // namespace drainpipe
