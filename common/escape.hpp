#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drainpipe {

// Control characters would end a line, or command the terminal that shows it. Escaped they read \n,
// \r, \t, \x1b, and those that UTF-8 writes in two bytes \xc2\x9b; all other text stays as it is.

// The most that a byte becomes.
constexpr std::size_t kMostEscaped = 4;

// Whether nothing in the text can need escaping.
bool is_plain(std::string_view text);

// Writes the text, escaped, and returns the end of it. Requires room for kMostEscaped times its
// size.
char* write_escaped(char* end, std::string_view text);

std::string escaped(std::string_view text);

}  // namespace drainpipe
