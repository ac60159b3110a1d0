#pragma once

#include <fmt/core.h>

#include <string>

namespace drainpipe {

void append_formatted(std::string& text, fmt::string_view format, fmt::format_args arguments);

template <typename... Arguments>
void append(std::string& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    append_formatted(text, format, fmt::make_format_args(arguments...));
}

}  // namespace drainpipe
