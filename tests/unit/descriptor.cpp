#include "descriptor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "failure.hpp"

using namespace drainpipe;

namespace {

// Fills what can be written to without a wait; its descriptions block again afterwards.
void fill(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (::write(fd, "xxxxxxxxxxxxxxxx", 16) > 0) {
    }
    while (::write(fd, "x", 1) > 0) {
    }
    ::fcntl(fd, F_SETFL, flags);
}

}  // namespace

TEST_SUITE("descriptor") {
    TEST_CASE("descriptor: a line for a person is written where there is room") {
        const Pipe pipe = make_pipe();
        write_if_ready(pipe.write_end.get(), "a line\n");
        std::array<char, 16> text{};
        CHECK(::read(pipe.read_end.get(), text.data(), text.size()) == 7);
        CHECK(std::string(text.data()) == "a line\n");
        CHECK((::fcntl(pipe.write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
    }

    TEST_CASE("descriptor: a line for a person does not wait for a pipe or socket that is full") {
        const Pipe pipe = make_pipe();
        fill(pipe.write_end.get());
        write_if_ready(pipe.write_end.get(), "a line\n");
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        const Descriptor one(ends[0]);
        const Descriptor other(ends[1]);
        fill(one.get());
        write_if_ready(one.get(), "a line\n");
    }

    TEST_CASE("descriptor: what a program fails with does not wait for a full standard error") {
        const Descriptor before(::dup(STDERR_FILENO));
        const Pipe pipe = make_pipe();
        fill(pipe.write_end.get());
        ::dup2(pipe.write_end.get(), STDERR_FILENO);
        const int code =
            run_program("test", []() -> ExitCode { throw Failure(ExitCode::taken, "it is"); });
        ::dup2(before.get(), STDERR_FILENO);
        CHECK(code == static_cast<int>(ExitCode::taken));
    }
}
