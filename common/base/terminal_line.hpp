#pragma once

#include <string_view>

namespace drainpipe {

// A program may draw a line on a terminal that it redraws in place. Those that it starts print on
// the same terminal, and take that line away first.

// Names the terminal of this descriptor, on which a line is drawn, to all programs that are started
// from here on. To be called before any thread is started.
void announce_live_line(int fd);

// To be written before a line, in one write with it: takes away what is drawn on the terminal of
// this descriptor. Empty where nothing is.
std::string_view before_line(int fd);

// Writes a line to standard error in that way, or drops it where it would wait for the reader.
void write_error_line(std::string_view line);

// Takes the line away that the cursor is in.
inline constexpr std::string_view kClearLine = "\r\033[K";

}  // namespace drainpipe
