#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drainpipe {

// Control characters would end a line, or command the terminal that shows it; bytes that are not
// UTF-8 would make the whole file something else. Escaped they read \n, \r, \t, \x1b, those that
// UTF-8 writes in two bytes \xc2\x9b; all other text stays as it is.

// The most that a byte becomes.
constexpr std::size_t kMaxEscaped = 4;

// Whether nothing in the text can need escaping. Only ASCII is plain: other text may need none.
bool is_plain(std::string_view text);

// Whether all of it is well-formed UTF-8, be it control characters.
bool is_utf8(std::string_view text);

// The text's beginning, at most so many bytes, that ends at a whole character of UTF-8; a byte that
// is part of none counts as one.
std::string_view whole_characters(std::string_view text, std::size_t max_size);

// Writes the text, escaped, and returns the end of it. Requires room for kMaxEscaped times its
// size.
char* write_escaped(char* end, std::string_view text);

std::string escaped(std::string_view text);

}  // namespace drainpipe
