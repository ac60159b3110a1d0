#include "cut.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

namespace drainpipe {
namespace {

// In a signal handler: nothing but calls that are safe there, and no wait for a reader.
void say_and_exit(int) {
    constexpr char kWords[] = ": the segment was cut short while in use: its events are lost\n";
    const std::array<iovec, 2> line{
        {{program_invocation_short_name, std::strlen(program_invocation_short_name)},
         {const_cast<char*>(kWords), sizeof kWords - 1}}};
    pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&standard_error, 1, 0) > 0) {
        [[maybe_unused]] const ssize_t count = ::writev(STDERR_FILENO, line.data(), line.size());
    }
    ::_exit(EX_IOERR);
}

}  // namespace

void exit_where_segment_is_cut() {
    struct sigaction action {};
    action.sa_handler = say_and_exit;
    ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace drainpipe
