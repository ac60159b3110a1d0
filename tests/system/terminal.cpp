// What a person at a terminal sees, and nobody else.

#include "harness/terminal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

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

Command on_terminal(const Terminal& terminal, const Command& command) {
    return after("exec \"$@\" 2>'" + terminal.path().string() + "'", command);
}

// Every line that is redrawn is taken away before another one begins.
std::string fault_of_lines(std::string_view shown) {
    for (const auto line : lines_of(shown)) {
        const auto cleared = line.rfind(kClearLine);
        const auto last =
            cleared == std::string_view::npos ? line : line.substr(cleared + kClearLine.size());
        if (contains(last, "buffered ") || contains(last, "to deadline")) {
            return std::string(line);
        }
    }
    return "";
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
        CHECK(contains(shown, "[#"));
        CHECK(contains(shown, " of 500  "));
        CHECK(shown.ends_with(kClearLine));
        CHECK_FALSE(contains(shown, "\n"));
        CHECK(client.output() == "accepted=500\n");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("terminal: the launcher's warnings are coloured there, and not with NO_COLOR") {
        CHECK(contains(shown_of_a_death(""), kColour));
        CHECK_FALSE(contains(shown_of_a_death("1"), kColour));
    }

    TEST_CASE("terminal: ready is for a person there, and one line is redrawn below all others") {
        Terminal terminal;
        Pipeline pipeline;
        auto command = pipeline.launcher_command({"--event-delay", "1ms"});
        pipeline.start(on_terminal(terminal, command));
        CHECK(await([&] { return contains(terminal.shown(), "  stop    Ctrl-C"); }));
        CHECK(contains(terminal.shown(), "pipeline '" + pipeline.name() + "' is ready"));
        CHECK_FALSE(contains(terminal.shown(), "ready name="));
        CHECK(pipeline.enqueue_all(numbers(1, 3000)) == 3000);
        CHECK(await([&] { return contains(terminal.shown(), "accepted 3,000"); }));
        pipeline.launcher().send(SIGTERM);
        CHECK(await([&] { return contains(terminal.shown(), "draining [#"); }));
        CHECK(await([&] { return contains(terminal.shown(), " to deadline"); }));
        CHECK(await([&] {
            (void)terminal.shown();
            return pipeline.launcher().has_ended();
        }));
        CHECK(fault_of_lines(terminal.shown()) == "");
        CHECK(pipeline.log().account().value().left == 0);
    }

    TEST_CASE("terminal: with a producer of a user's own the line is the same") {
        Terminal terminal;
        Pipeline pipeline;
        auto command = on_terminal(
            terminal,
            pipeline.launcher_command(
                {"--producer", program("stages/own_producer").string(), "--event-delay", "1ms"}));
        command.environment["OWN_EVENTS"] = "1500";
        command.input = terminal.path();
        pipeline.launch(command);
        CHECK(await([&] { return contains(terminal.shown(), "accepted 1,500"); }));
        CHECK(await([&] {
            (void)terminal.shown();
            return pipeline.launcher().has_ended();
        }));
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(fault_of_lines(terminal.shown()) == "");
    }

    TEST_CASE("terminal: what the events put out there is on lines of its own") {
        Terminal terminal;
        Pipeline pipeline;
        const auto command = pipeline.launcher_command(
            {"--exec", "echo \"<$1>\"; echo \"($1)\" >&2", "--jobs", "4"});
        pipeline.start(after("exec \"$@\" >'" + terminal.path().string() + "' 2>&1", command));
        CHECK(pipeline.enqueue_all(numbers(1, 200)) == 200);
        CHECK(await([&] {
            (void)terminal.shown();
            return pipeline.log().starting("processed id=").size() == 200;
        }));
        pipeline.launcher().send(SIGTERM);
        CHECK(await([&] {
            (void)terminal.shown();
            return pipeline.launcher().has_ended();
        }));
        CHECK(fault_of_lines(terminal.shown()) == "");
        for (int event = 1; event <= 200; ++event) {
            CHECK(contains(terminal.shown(), "<" + std::to_string(event) + ">\r\n"));
        }
    }

    TEST_CASE("terminal: a dumb one, and a pipe, get plain lines") {
        Terminal terminal;
        Pipeline pipeline;
        auto command = on_terminal(terminal, pipeline.launcher_command({"--event-delay", "1ms"}));
        command.environment["TERM"] = "dumb";
        pipeline.start(command);
        CHECK(pipeline.enqueue_all(numbers(1, 2500)) == 2500);
        const auto begun = std::chrono::steady_clock::now();
        pipeline.launcher().send(SIGTERM);
        CHECK(await([&] { return contains(terminal.shown(), "summary accepted=2500"); }));
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(contains(terminal.shown(), "launcher: ready name=" + pipeline.name()));
        CHECK(contains(terminal.shown(), "launcher: draining in_flight="));
        CHECK_FALSE(contains(terminal.shown(), "\x1b"));
        // One a second, and the first at once.
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
        const auto lines = lines_of(terminal.shown());
        const auto draining = std::ranges::count_if(
            lines, [](auto line) { return contains(line, "draining in_flight="); });
        CHECK(static_cast<double>(draining) <= took.count() + 1);
    }

    TEST_CASE("terminal: --quiet leaves errors and the summary; --color has colours anywhere") {
        Pipeline pipeline;
        pipeline.start({"--quiet"});
        ::kill(pipeline.stage("consumer").value(), SIGKILL);
        CHECK(pipeline.await_record("child exited "));
        CHECK(await([&] { return pipeline.stage("consumer").has_value(); }));
        CHECK(pipeline.stop() == 0);
        CHECK(is_one_line(pipeline.errors()));
        CHECK(contains(pipeline.errors(), "summary accepted=0"));

        pipeline.start({"--color", "always"});
        const auto consumer = pipeline.stage("consumer").value();
        ::kill(consumer, SIGKILL);
        CHECK(await([&] { return contains(pipeline.errors(), "is started again"); }));
        CHECK(pipeline.stop() == 0);
        CHECK(contains(pipeline.errors(), kColour));
        CHECK(run(pipeline.launcher_command({"--color", "red"})).code == 64);
    }
}

}  // namespace
