// Whole jobs: the lines of a file, or of standard input, from the first to the last.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"
#include "harness/random.hpp"
#include "harness/terminal.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

constexpr int kSigkill = 128 + SIGKILL;

std::filesystem::path write_lines(const Pipeline& pipeline, std::string_view text,
                                  const std::string& name = "lines") {
    const auto path = pipeline.directory() / name;
    write_text(path, text);
    return path;
}

// The outcome of a start that is refused.
Outcome refused(const Pipeline& pipeline, const Flags& flags) {
    return run(pipeline.launcher_command(flags));
}

// Without waiting for `ready`, which a short job does not outlive.
int run_job(Pipeline& pipeline, const Flags& flags) { return pipeline.launch(flags).wait(); }

// A line that a kill has cut has no end: the next output begins behind it.
void add_whole_lines(std::string& text, const std::string& output) {
    text += output.substr(0, output.rfind('\n') + 1);
}

bool has_left_nothing(const Pipeline& pipeline) {
    const auto account = pipeline.log().account();
    return account && account->left == 0;
}

TEST_SUITE("from") {
    TEST_CASE("from: a whole job ends by itself, with nothing left") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 1000));
        const Stopwatch watch;
        CHECK(run_job(pipeline, {"--from", file}) == 0);
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.output() == numbers(1, 1000));
        CHECK(contains(pipeline.log().first("ready "), " socket=- source=" + file.string()));
        CHECK(pipeline.log().first("stopping ").starts_with("stopping reason=end-of-file "));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: the end waits for the work, without a deadline") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 300));
        CHECK(run_job(pipeline, {"--from", file, "--event-delay", "2ms", "--grace", "100ms",
                                 "--consumers", "2", "--max-demand", "10"}) == 0);
        CHECK(fault_of_shared_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.log().account().value().processed == 300);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: a file larger than the ring, and a last line without a newline") {
        Pipeline pipeline;
        const auto text = numbers(1, 20'000) + "\n\nthe last one";
        const auto file = write_lines(pipeline, text);
        CHECK(run_job(pipeline, {"--from", file, "--capacity", "100", "--buffer-size", "300"}) ==
              0);
        CHECK(pipeline.output() == text + "\n");
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: an empty file is done at once") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, "");
        CHECK(run_job(pipeline, {"--from", file}) == 0);
        CHECK(pipeline.output().empty());
        CHECK(pipeline.log().account().value().accepted == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: killed as a whole again and again, the same command comes to the end") {
        Random random("killed jobs");
        constexpr std::uint64_t kLines = 3000;
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, kLines));
        const Flags flags = {"--from",     file,  "--event-delay", "100us",
                             "--capacity", "200", "--max-demand",  "20"};
        std::string output;
        int kills = 0;
        // Killed between the removal of the segment and the end: there is nothing to go on with.
        bool is_done = false;
        for (int code = kSigkill; code == kSigkill && !is_done;) {
            auto& launcher = pipeline.launch(flags);
            let_pass(random.moment(kills < 12 ? 150ms : 10s));
            code = launcher.has_ended() ? launcher.wait() : pipeline.kill_all();
            if (code == kSigkill) {
                ++kills;
                is_done =
                    !std::filesystem::exists(pipeline.segment()) && has_left_nothing(pipeline);
            }
            add_whole_lines(output, pipeline.output());
            REQUIRE(kills < 100);
            CHECK((code == kSigkill || code == 0));
        }
        CAPTURE(kills);
        CHECK(fault_of_all_done(pipeline.whole_log(), output, kLines) == "");
        CHECK(count_marked(pipeline.whole_log().events()) <=
              static_cast<std::uint64_t>(20 * kills));
        if (!is_done) CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: a killed producer goes on with the next line") {
        Random random("killed producers of a file");
        constexpr std::uint64_t kLines = 4000;
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, kLines));
        pipeline.start(
            {"--from", file, "--capacity", "50", "--event-delay", "200us", "--max-demand", "10"});
        for (int kill = 0; kill < 3; ++kill) {
            let_pass(random.moment(100ms));
            std::optional<pid_t> producer;
            REQUIRE(await([&] { return (producer = pipeline.stage("producer")).has_value(); }));
            ::kill(*producer, SIGKILL);
        }
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(pipeline.output() == numbers(1, kLines));
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: SIGTERM drains what was accepted, the same command goes on behind it") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 3000));
        const Flags flags = {"--from",     file,  "--event-delay", "200us",
                             "--capacity", "100", "--max-demand",  "10"};
        std::string outputs;
        for (int stop = 0; stop < 3; ++stop) {
            pipeline.start(flags);
            CHECK(pipeline.await_output(300));
            CHECK(pipeline.stop() == 0);
            outputs += pipeline.output();
            const auto accepted = std::ranges::count(outputs, '\n');
            CHECK(contains(pipeline.errors(),
                           "accepted_lines=" + std::to_string(accepted) + " source=" +
                               file.string() + ": a start with the same --from goes on with line " +
                               std::to_string(accepted + 1)));
            CHECK(pipeline.log().account().value().left == 0);
            CHECK(pipeline.leftovers() == pipeline.segment().string() + " ");
        }
        CHECK(run_job(pipeline, flags) == 0);
        outputs += pipeline.output();
        CHECK(outputs == numbers(1, 3000));
        CHECK(count_marked(pipeline.whole_log().events()) == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: stages that a dead launcher left keep what is known of the file") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 2000));
        const Flags flags = {"--from",     file,  "--event-delay", "100us",
                             "--capacity", "100", "--max-demand",  "10"};
        std::string outputs;
        pipeline.start(flags);
        CHECK(pipeline.await_output(300));
        CHECK(pipeline.stop(SIGKILL) == kSigkill);
        CHECK(await([&] { return pipeline.leftovers() == pipeline.segment().string() + " "; }));
        outputs += pipeline.output();
        CHECK(run_job(pipeline, flags) == 0);
        outputs += pipeline.output();
        CHECK(outputs == numbers(1, 2000));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: a job whose launcher died at the end is over with the next start") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 300));
        const auto other = write_lines(pipeline, "x\n", "other");
        const auto leave_done = [&] {
            pipeline.start({"--from", file, "--event-delay", "1ms"});
            CHECK(pipeline.await_record("end of source="));
            CHECK(pipeline.stop(SIGKILL) == kSigkill);
            CHECK(await([&] { return pipeline.leftovers() == pipeline.segment().string() + " "; }));
            CHECK(pipeline.output() == numbers(1, 300));
        };
        leave_done();
        CHECK(run_job(pipeline, {"--from", file}) == 0);
        CHECK(pipeline.output().empty());
        CHECK(pipeline.leftovers() == "");
        leave_done();
        CHECK(run_job(pipeline, {"--from", other}) == 0);
        CHECK(pipeline.output() == "x\n");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: another file than that of the left segment is refused, but with --discard") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 2000));
        const auto other = write_lines(pipeline, numbers(1, 20), "other");
        pipeline.start({"--from", file, "--capacity", "50", "--event-delay", "1ms"});
        CHECK(pipeline.await_output(20));
        pipeline.kill_all();
        const auto left = read_text(pipeline.segment());
        const auto outcome = refused(pipeline, {"--from", other});
        CHECK(outcome.code == 73);
        INFO("standard error: ", outcome.errors);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, " lines of " + file.string() + ","));
        CHECK(contains(outcome.errors, other.string() + ", which is another file"));
        CHECK(read_text(pipeline.segment()) == left);

        CHECK(run_job(pipeline, {"--from", other, "--discard"}) == 0);
        CHECK(pipeline.output() == numbers(1, 20));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: --discard begins the same file from its first line") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 500));
        const Flags flags = {"--from", file, "--capacity", "50", "--event-delay", "200us"};
        pipeline.start(flags);
        CHECK(pipeline.await_output(100));
        CHECK(pipeline.stop() == 0);
        CHECK(run_job(pipeline, {"--from", file, "--discard"}) == 0);
        CHECK(pipeline.output() == numbers(1, 500));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: a file that has fewer lines than were accepted is refused") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 1000));
        const Flags flags = {"--from", file, "--capacity", "50", "--event-delay", "200us"};
        pipeline.start(flags);
        CHECK(pipeline.await_output(100));
        CHECK(pipeline.stop() == 0);
        write_text(file, numbers(1, 50));
        const auto outcome = refused(pipeline, flags);
        CHECK(outcome.code == 73);
        CHECK(is_one_line(outcome.errors));
        CHECK(contains(outcome.errors, "which has fewer lines by now: 50"));
    }

    TEST_CASE("from: a run with a socket in between leaves the file where it stands") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 1000));
        const Flags flags = {"--from", file, "--capacity", "50", "--event-delay", "200us"};
        pipeline.start(flags);
        CHECK(pipeline.await_output(100));
        pipeline.kill_all();
        std::string output;
        add_whole_lines(output, pipeline.output());

        pipeline.start();
        CHECK(pipeline.enqueue_all("in between\n") == 1);
        CHECK(pipeline.stop() == 0);
        CHECK(contains(pipeline.errors(), " source=" + file.string()));
        output += pipeline.output();
        const auto outcome = refused(pipeline, {"--from", write_lines(pipeline, "x\n", "other")});
        CHECK(outcome.code == 73);
        CHECK(contains(outcome.errors, file.string()));

        CHECK(run_job(pipeline, flags) == 0);
        output += pipeline.output();
        const auto counts = line_counts(output);
        CHECK(counts.size() == 1001);
        CHECK(counts.at("in between") == 1);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: the lines of standard input, as they come, are a job as well") {
        Pipeline pipeline;
        auto command = after("{ seq 1 5; sleep 0.3; printf '\\n7'; } | \"$@\"",
                             pipeline.launcher_command({"--from", "-"}));
        CHECK(pipeline.launch(command).wait() == 0);
        CHECK(pipeline.output() == numbers(1, 5) + "\n7\n");
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(contains(pipeline.log().first("ready "), " socket=- source=-"));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: standard input that says nothing does not hold up a stop") {
        Pipeline pipeline;
        const auto pipe = pipeline.directory() / "pipe";
        REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
        pipeline.start(after("exec \"$@\" <>'" + pipe.string() + "'",
                             pipeline.launcher_command({"--from", "-"})));
        const Stopwatch watch;
        CHECK(pipeline.stop() == 0);
        CHECK(watch.elapsed() < kAtOnce);
        CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: standard input's accepted lines are delivered by the next start") {
        Pipeline pipeline;
        auto command = pipeline.launcher_command(
            {"--from", "-", "--event-delay", "1ms", "--max-demand", "10"});
        command.input = write_lines(pipeline, numbers(1, 500));
        pipeline.start(command);
        CHECK(pipeline.await_output(20));
        pipeline.kill_all();
        std::string output;
        add_whole_lines(output, pipeline.output());
        command.input = write_lines(pipeline, "501\n", "more");
        CHECK(pipeline.launch(command).wait() == 0);
        output += pipeline.output();
        CHECK(fault_of_all_done(pipeline.whole_log(), output, 501) == "");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: what is no file to read is refused, with nothing made") {
        Pipeline pipeline;
        const auto pipe = pipeline.directory() / "pipe";
        REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
        for (const auto& [file, words] : std::vector<std::pair<std::string, std::string>>{
                 {pipeline.directory() / "missing", "No such file"},
                 {pipeline.directory(), "is a directory"},
                 {pipe, "--from -"},
                 {"/dev/null", "--from -"}}) {
            CAPTURE(file);
            const auto outcome = refused(pipeline, {"--from", file});
            CHECK(outcome.code == 73);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, words));
            CHECK(pipeline.leftovers() == "");
        }
        const auto closed =
            run(after("exec \"$@\" <&-", pipeline.launcher_command({"--from", "-"})));
        CHECK(closed.code == 74);
        CHECK(is_one_line(closed.errors));
    }

    TEST_CASE("from: a line that the buffer can't hold stops the job, a larger one goes on") {
        Pipeline pipeline;
        const std::string longest(3000, 'x');
        const auto file = write_lines(pipeline, "1\n2\n" + longest + "\n4\n");
        CHECK(run_job(pipeline, {"--from", file, "--buffer-size", "2000"}) == 74);
        CHECK(pipeline.output() == "1\n2\n");
        CHECK(contains(pipeline.errors(),
                       file.string() + " line 3 has 3000 bytes, and the buffer holds 2000"));
        CHECK(contains(pipeline.errors(), "--buffer-size 3000"));
        CHECK(pipeline.log().account().value().left == 0);
        CHECK(run_job(pipeline, {"--from", file, "--buffer-size", "3000"}) == 0);
        CHECK(pipeline.output() == longest + "\n4\n");
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: a client is told at once that nothing is taken from it") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 1000));
        pipeline.start({"--from", file, "--event-delay", "10ms"});
        CHECK_FALSE(std::filesystem::exists(pipeline.socket()));
        const auto outcome = run(pipeline.command("enqueue", {"5"}));
        CHECK(outcome.code == 69);
        CHECK(outcome.output == "accepted=0\n");
        CHECK(contains(outcome.errors, "--from"));
        CHECK(is_one_line(outcome.errors));
        pipeline.kill_all();
    }

    TEST_CASE("from: the lock's removal does not disturb the job") {
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 4000));
        pipeline.start({"--from", file, "--event-delay", "1ms", "--capacity", "50"});
        std::filesystem::remove(pipeline.lock());
        CHECK(await([&] { return std::filesystem::exists(pipeline.lock()); }));
        CHECK(await([&] { return run(pipeline.command("enqueue", {"5"})).code == 69; }));
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(pipeline.output() == numbers(1, 4000));
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("from: on a terminal it shows what is done, of how much, and the time left") {
        Terminal terminal;
        Pipeline pipeline;
        const auto file = write_lines(pipeline, numbers(1, 500));
        pipeline.launch(after("exec \"$@\" 2>'" + terminal.path().string() + "'",
                              pipeline.launcher_command({"--from", file, "--event-delay", "1ms"})));
        CHECK(await([&] {
            (void)terminal.shown();
            return pipeline.launcher().has_ended();
        }));
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(contains(terminal.shown(), "[#"));
        CHECK(contains(terminal.shown(), " of 500  "));
        CHECK(contains(terminal.shown(), " to end"));
    }

    TEST_CASE("from: lines typed at a terminal are taken in") {
        Terminal terminal;
        Pipeline pipeline;
        pipeline.start(after("exec setsid -c \"$@\" <'" + terminal.path().string() + "'",
                             pipeline.launcher_command({"--from", "-"})));
        terminal.type("a\nb\n");
        CHECK(pipeline.await_output(2));
        terminal.type("\x04");
        CHECK(pipeline.launcher().wait() == 0);
        CHECK(pipeline.output() == "a\nb\n");
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
