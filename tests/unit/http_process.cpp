#include "http_process.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "http_client.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using namespace std::chrono_literals;

namespace {

Child::Program shell(const std::string& text) {
    return {.role = "http", .path = "/bin/sh", .arguments = {"-c", text}, .has_output = false};
}

// Looks after it, as its launcher does, until there is something to tell.
std::string told(HttpProcess& process) {
    const auto end = HttpProcess::Clock::now() + 10s;
    while (HttpProcess::Clock::now() < end) {
        if (const auto text = process.look_after()) return *text;
        pollfd death{process.death_fd(), POLLIN, 0};
        ::poll(&death, 1, 20);
    }
    return "";
}

// What its descriptor 0 is, once it is another program than this one.
std::string standard_input_of(pid_t pid) {
    const std::string place = "/proc/" + std::to_string(pid);
    const auto end = HttpProcess::Clock::now() + 10s;
    while (std::filesystem::read_symlink(place + "/exe") ==
               std::filesystem::read_symlink("/proc/self/exe") &&
           HttpProcess::Clock::now() < end) {
        ::poll(nullptr, 0, 1);
    }
    return std::filesystem::read_symlink(place + "/fd/0");
}

}  // namespace

TEST_SUITE("http_process") {
    TEST_CASE(
        "http process: has the listening socket as its standard input, and ends with its owner") {
        std::optional<HttpProcess> process(std::in_place, HttpAddress{.host = "127.0.0.1"},
                                           shell("exec sleep 60"));
        CHECK(process->start_at() <= HttpProcess::Clock::now());
        CHECK_FALSE(process->look_after());
        CHECK_FALSE(process->start_at());
        CHECK(standard_input_of(process->pid()).starts_with("socket:["));
        CHECK(HttpClient(process->address().port).is_connected());
        const pid_t pid = process->pid();
        process.reset();
        CHECK(::kill(pid, 0) != 0);
    }

    TEST_CASE("http process: is started again after a pause, and keeps who connects meanwhile") {
        HttpProcess process({.host = "127.0.0.1"}, shell("exec sleep 60"));
        CHECK_FALSE(process.look_after());
        const pid_t first = process.pid();
        ::kill(first, SIGKILL);
        CHECK(told(process) ==
              "child exited role=http pid=" + std::to_string(first) + " signal=SIGKILL");
        CHECK(process.death_fd() == -1);
        CHECK(HttpClient(process.address().port).is_connected());
        REQUIRE(process.start_at());
        CHECK(*process.start_at() > HttpProcess::Clock::now());
        const auto end = HttpProcess::Clock::now() + 10s;
        while (process.pid() == 0 && HttpProcess::Clock::now() < end) {
            CHECK_FALSE(process.look_after());
            ::poll(nullptr, 0, 10);
        }
        CHECK(process.pid() > 0);
        CHECK(process.pid() != first);
    }

    TEST_CASE("http process: a program that can't be executed is told, time and again") {
        HttpProcess process(
            {.host = "127.0.0.1"},
            {.role = "http", .path = "/nowhere/launcher", .arguments = {}, .has_output = false});
        for (int round = 0; round < 2; ++round) {
            CHECK(told(process).find("cannot execute /nowhere/launcher") == 0);
        }
    }
}
