#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "address.hpp"
#include "failure.hpp"
#include "front.hpp"

namespace {

// What the shell has closed stays closed for the program, which says so.
std::vector<int> closed_standard_descriptors() {
    std::vector<int> closed;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) {
            closed.push_back(fd);
        }
    }
    return closed;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace drainpipe;
    const std::vector<int> closed = closed_standard_descriptors();
    return run_program("drainpipe", [&] {
        const std::filesystem::path here = own_directory();
        const Front front({here, (here / DRAINPIPE_STAGES_FROM_HERE).lexically_normal()});
        const auto invocation = front.resolve({argv + 1, argv + argc});
        if (!invocation) {
            return ExitCode::done;
        }
        std::vector<char*> arguments;
        for (const std::string& argument : invocation->arguments) {
            arguments.push_back(const_cast<char*>(argument.c_str()));
        }
        arguments.push_back(nullptr);
        for (const int fd : closed) {
            ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
        ::execv(invocation->program.c_str(), arguments.data());
        throw std::system_error(errno, std::generic_category(),
                                "start " + invocation->program.string());
    });
}
