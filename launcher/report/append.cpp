#include "append.hpp"

#include <iterator>

namespace drainpipe {

void append_formatted(std::string& text, fmt::string_view format, fmt::format_args arguments) {
    fmt::vformat_to(std::back_inserter(text), format, arguments);
}

}  // namespace drainpipe
