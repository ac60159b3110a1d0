// What a person at a terminal sees, and nobody else.

#include "harness/terminal.hpp"

#include <doctest/doctest.h>

#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;

namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";
constexpr std::string_view kColour = "\x1b[33m";

// What the launcher shows on a terminal of a run in which a consumer dies.
std::string shown_of_a_death(const std::string& no_colour) {
    Terminal terminal;
    Pipeline pipeline;
    auto command =
        after("exec \"$@\" 2>'" + terminal.path().string() + "'", pipeline.launcher_command());
    command.environment["NO_COLOR"] = no_colour;
    pipeline.start(command);
    ::kill(pipeline.stage("consumer").value(), SIGKILL);
    CHECK(await([&] { return contains(terminal.shown(), "consumer is started again"); }));
    CHECK(pipeline.stop() == 0);
    CHECK(contains(terminal.shown(), "summary accepted=0"));
    return terminal.shown();
}

TEST_SUITE("terminal") {
    TEST_CASE("terminal: enqueue draws a bar there, and takes it away in the end") {
        Terminal terminal;
        Pipeline pipeline;
        pipeline.start({"--event-delay", "1ms", "--capacity", "50", "--max-demand", "10"});
        auto command = pipeline.command("enqueue", {"500"});
        command.output = pipeline.directory() / "accepted";
        command.errors = terminal.path();
        Process client(command);
        const auto has_ended = [&] {
            (void)terminal.shown();
            return client.has_ended();
        };
        CHECK(await(has_ended));
        CHECK(client.wait() == 0);
        const auto& shown = terminal.shown();
        CHECK(contains(shown, " of 500 [#"));
        CHECK(contains(shown, " ] accepted"));
        CHECK(shown.ends_with(kClearLine));
        CHECK_FALSE(contains(shown, "\n"));
        CHECK(client.output() == "accepted=500\n");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("terminal: the launcher's warnings are coloured there, and not with NO_COLOR") {
        CHECK(contains(shown_of_a_death(""), kColour));
        CHECK_FALSE(contains(shown_of_a_death("1"), kColour));
    }
}

}  // namespace
