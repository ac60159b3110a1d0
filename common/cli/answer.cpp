#include "answer.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "descriptor.hpp"
#include "failure.hpp"

namespace drainpipe {

void print_answer(std::string_view text) {
    if (write_all(STDOUT_FILENO, text) < text.size()) {
        throw Failure(ExitCode::io,
                      "cannot write to standard output: " + std::generic_category().message(errno));
    }
}

}  // namespace drainpipe
