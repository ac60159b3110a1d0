#pragma once

#include <spdlog/fmt/fmt.h>

#include <iterator>
#include <string>
#include <utility>

namespace drainpipe {

template <typename... Arguments>
void append(std::string& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
}

}  // namespace drainpipe
