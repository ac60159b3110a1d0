// Standard output that can't take what a program answers.

#include <doctest/doctest.h>

#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;

namespace {

// Full, and a pipe whose reader has gone.
const std::vector<std::string> kNoOutput = {
    "exec \"$@\" >/dev/full",
    "rm -f gone; mkfifo gone; exec 3<>gone 4>gone 3<&-; exec \"$@\" >&4 4>&-"};

// Whatever became of its output: exit code 74 and one line on standard error with these words.
void check_not_answered(const Pipeline& pipeline, Command command, std::string_view words) {
    command.directory = pipeline.directory();
    for (const auto& line : kNoOutput) {
        CAPTURE(line);
        const auto outcome = run(after(line, command));
        INFO("standard error: ", outcome.errors);
        CHECK(outcome.code == 74);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, words));
    }
}

TEST_SUITE("answers") {
    TEST_CASE("answers: --help and --version that can't be written are a failure") {
        const Pipeline pipeline;
        for (const std::string name : {"launcher", "producer", "consumer", "enqueue"}) {
            for (const std::string flag : {"--help", "--version"}) {
                CAPTURE(name);
                check_not_answered(pipeline, {.words = {program(name), flag}},
                                   name + ": cannot write to standard output");
            }
        }
    }

    TEST_CASE("answers: a count of accepted events that can't be written is told with the reason") {
        Pipeline pipeline;
        pipeline.start();
        check_not_answered(pipeline, pipeline.command("enqueue", {"5"}),
                           "accepted=5: cannot write to standard output");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == 10);
    }

    TEST_CASE("answers: what went wrong before keeps its exit code") {
        const Pipeline pipeline;
        const auto outcome = run(after(kNoOutput.front(), pipeline.command("enqueue", {"5"})));
        CHECK(outcome.code == 69);
        CHECK(is_one_line(outcome.errors));
    }
}

}  // namespace
