// What the launcher takes from its configuration file, and what it refuses there.

#include <doctest/doctest.h>

#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

std::filesystem::path config_of(const Pipeline& pipeline, const std::string& text) {
    const auto path = pipeline.directory() / "drainpipe.conf";
    write_text(path, text);
    return path;
}

// Exit code 64, and one line on standard error that shows all of this; nothing is made.
void check_refused(const Pipeline& pipeline, const Command& command,
                   const std::vector<std::string>& shown) {
    const auto outcome = run(command, 5s);
    INFO("standard error: ", outcome.errors);
    CHECK(outcome.code == 64);
    CHECK(outcome.output == "");
    CHECK(is_one_line(outcome.errors));
    for (const auto& part : shown) {
        CAPTURE(part);
        CHECK(contains(outcome.errors, part));
    }
    CHECK_FALSE(std::filesystem::exists(pipeline.run_dir()));
    CHECK_FALSE(std::filesystem::exists(pipeline.log_dir()));
}

void check_text_refused(const std::string& text, const std::vector<std::string>& shown) {
    const Pipeline pipeline;
    CAPTURE(text);
    check_refused(pipeline, pipeline.launcher_command({"--config", config_of(pipeline, text)}),
                  shown);
}

TEST_SUITE("config_file") {
    TEST_CASE("config file: a value may have blanks and commas, with and without quotes") {
        for (const std::string quote : {"", "\"", "'"}) {
            CAPTURE(quote);
            Pipeline pipeline;
            const auto log_dir = pipeline.directory() / "a, b";
            const auto config =
                config_of(pipeline, "# where\r\n\r\nlog-dir = " + quote + log_dir.string() + quote +
                                        " \r\ngrace=7s\r\n");
            auto& launcher = pipeline.launch(pipeline.command("launcher", {"--config", config}));
            CHECK(await([&] { return contains(pipeline.errors(), "ready "); }));
            CHECK(pipeline.stop() == 0);
            CHECK(launcher.has_ended());
            CHECK(contains(pipeline.errors(), "grace=7s"));
            CHECK(std::filesystem::is_regular_file(log_dir / "info.log"));
        }
    }

    TEST_CASE("config file: a value of several words is one value") {
        check_text_refused("grace = 1s 2s\n", {"drainpipe.conf:1: grace", "'1s 2s'"});
        check_text_refused("max-demand = 1, 2\n", {"drainpipe.conf:1: max-demand", "'1, 2'"});
        check_text_refused("capacity = [1,2]\n", {"drainpipe.conf:1: capacity", "'[1,2]'"});
        check_text_refused("discard = true false\n", {"drainpipe.conf:1: discard", "true false"});
        const Pipeline pipeline;
        const auto config =
            config_of(pipeline, "name = one other\nrun-dir = " + pipeline.run_dir().string());
        Command command{.words = {program("launcher"), "--config", config},
                        .environment = {{"SYSTEM_TEST_PIPELINE", pipeline.name()}},
                        .directory = pipeline.directory()};
        check_refused(pipeline, command, {"drainpipe.conf:1: name", "'one other'"});
    }

    TEST_CASE("config file: a line that is no item is refused with the file and shown") {
        check_text_refused("grace = 1s\nfrob = 7\n", {"drainpipe.conf", "frob = 7"});
        check_text_refused("config = other\n", {"drainpipe.conf", "config = other"});
        check_text_refused("COMMAND = scale\n", {"drainpipe.conf", "COMMAND = scale"});
        check_text_refused("help = true\n", {"drainpipe.conf", "help = true"});
        check_text_refused("[launcher]\n", {"drainpipe.conf", "[launcher]"});
        check_text_refused("discard\n", {"drainpipe.conf", "discard"});
        check_text_refused("grace =\n", {"drainpipe.conf", "grace ="});
        check_text_refused("discard =\n", {"drainpipe.conf", "discard ="});
        check_text_refused("grace = 1s\ngrace = 2s\n", {"drainpipe.conf", "grace = 2s"});
    }

    TEST_CASE("config file: a value out of range is refused in the name of its line") {
        check_text_refused("# a comment\n\nconsumers = zero\n",
                           {"drainpipe.conf:3: consumers: 'zero'"});
        check_text_refused("\xef\xbb\xbfpartition-by = 0\n",
                           {"drainpipe.conf:1: partition-by: '0'"});
        check_text_refused("\npartition-delimiter = ab\npartition-by = 1\n",
                           {"drainpipe.conf:2: partition-delimiter: 'ab'"});
        check_text_refused("dispatch = all\n", {"drainpipe.conf:1: dispatch: 'all'"});
    }

    TEST_CASE("config file: one that can't be read is refused and shown") {
        const Pipeline pipeline;
        check_refused(pipeline, pipeline.launcher_command({"--config", pipeline.directory()}),
                      {pipeline.directory()});
    }
}

}  // namespace
