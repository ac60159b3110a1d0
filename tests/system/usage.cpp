// What the programs refuse to start with.

#include <doctest/doctest.h>

#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

std::string words_of(const Command& command) {
    std::string text;
    for (const auto& word : command.words) text += "'" + word + "' ";
    for (const auto& [name, value] : command.environment) text += name + "=" + value + " ";
    return text;
}

void check_nothing_created(const Pipeline& pipeline) {
    CHECK_FALSE(std::filesystem::exists(pipeline.run_dir()));
    CHECK_FALSE(std::filesystem::exists(pipeline.log_dir()));
    CHECK_FALSE(std::filesystem::exists(pipeline.segment()));
}

// Exit code 64, and one line on standard error that shows the value.
void check_refused(const Pipeline& pipeline, const Command& command, std::string_view value) {
    const auto outcome = run(command, 5s);
    INFO(words_of(command));
    INFO("standard error: ", outcome.errors);
    CHECK(outcome.code == 64);
    CHECK(outcome.output == "");
    CHECK(is_one_line(outcome.errors));
    CHECK(contains(outcome.errors, value));
    CHECK_FALSE(contains(outcome.errors, "secret"));
    check_nothing_created(pipeline);
}

struct BadFlag {
    Flags flags;
    std::string value;
};

void check_all_refused(const std::vector<BadFlag>& bad_flags) {
    const Pipeline pipeline;
    for (const auto& bad : bad_flags) {
        check_refused(pipeline, pipeline.launcher_command(bad.flags), bad.value);
    }
}

TEST_SUITE("usage") {
    TEST_CASE("usage: an unknown flag or a stray word is refused and shown") {
        check_all_refused({{{"--frobnicate"}, "--frobnicate"},
                           {{"--frobnicate=7"}, "--frobnicate"},
                           {{"--graze", "10s"}, "--graze"},
                           {{"frobnicate"}, "frobnicate"},
                           {{"-z"}, "-z"},
                           {{"--grace"}, "--grace"}});
    }

    TEST_CASE("usage: what is no URL of a source or sink is refused, without its password") {
        for (const std::string flag : {"--source", "--sink"}) {
            check_all_refused({{{flag, "nats"}, "'nats'"},
                               {{flag, "://h/S"}, "://h/S"},
                               {{flag, "Nats://h/S"}, "Nats://h/S"},
                               {{flag, "../x://h/S"}, "../x://h/S"},
                               {{flag, "nats://h"}, "nats://h"},
                               {{flag, "nats://h/"}, "nats://h/"},
                               {{flag, "nats:///S"}, "nats:///S"},
                               {{flag, "nats://h/a b"}, "nats://h/a b"},
                               {{flag, "nats://h/" + std::string(1024, 'x')}, "too long"},
                               {{flag, "nats://u:secret@/S"}, "'nats:///S'"},
                               {{flag, "nats://u:sec/ret@h/S"}, "'nats://h/S'"},
                               {{flag, "u:secret@h"}, "'h'"}});
        }
        check_all_refused({{{"nats://u:secret@h/S"}, "'nats://h/S'"}});
    }

    TEST_CASE("usage: what has no meaning beside a source or a sink, or without, is refused") {
        const std::string url = "nats://u:secret@h/S/C";
        check_all_refused({{{"--source", url, "--from", "x"}, "'nats://h/S/C'"},
                           {{"--source", url, "--producer", "x"}, "'nats://h/S/C'"},
                           {{"--source", url, "--socket"}, "--socket"},
                           {{"--source", url, "--dispatch", "broadcast"}, "'broadcast'"},
                           {{"--source", url, "--source-timeout", "0"}, "'0'"},
                           {{"--source", url, "--source-timeout", "soon"}, "'soon'"},
                           {{"--source-timeout", "3s"}, "'3s'"},
                           {{"--give-back"}, "--give-back"},
                           {{"--sink", url, "--forward", "x"}, "'nats://h/S/C'"},
                           {{"--sink", url, "--consumer", "x"}, "'nats://h/S/C'"},
                           {{"--sink", url, "--exec", "x", "--batch", "2"}, "'2'"},
                           {{"--sink", url, "--dispatch", "broadcast"}, "'broadcast'"},
                           {{"--sink", url, "--event-delay", "1ms"}, "'1ms'"},
                           {{"--nats-ca", "x"}, "'x'"},
                           {{"--nats-cert", "x", "--nats-key", "y"}, "'x'"},
                           {{"--nats-creds", "x"}, "'x'"},
                           {{"--sink", "test://h/S", "--nats-ca", "x"}, "'x'"},
                           {{"--sink", url, "--nats-cert", "x"}, "'x'"},
                           {{"--sink", url, "--nats-key", "x"}, "'x'"}});
    }

    TEST_CASE("usage: a source or sink without a program for its scheme is refused, named") {
        const Pipeline pipeline;
        for (const std::string flag : {"--source", "--sink"}) {
            const auto outcome = run(pipeline.launcher_command({flag, "none://u:secret@h/S"}), 5s);
            CHECK(outcome.code == 69);
            CHECK(is_one_line(outcome.errors));
            CHECK(contains(outcome.errors, "none_" + flag.substr(2) + " is missing"));
            CHECK(contains(outcome.errors, "none://h/S"));
            CHECK_FALSE(contains(outcome.errors, "secret"));
            check_nothing_created(pipeline);
        }
    }

    TEST_CASE("usage: a duration that is none is refused and shown") {
        for (const std::string flag : {"--grace", "--event-delay"}) {
            check_all_refused({{{flag, "abc"}, "abc"},
                               {{flag, "-1s"}, "-1s"},
                               {{flag, "10x"}, "10x"},
                               {{flag, "s"}, "s"},
                               {{flag, "1e3s"}, "1e3s"},
                               {{flag, "10 s"}, "10 s"},
                               {{flag, "10ss"}, "10ss"},
                               {{flag, ""}, flag},
                               {{flag, "99999999999999999999s"}, "99999999999999999999s"},
                               {{flag, "9223372036854775807m"}, "9223372036854775807m"}});
        }
    }

    TEST_CASE("usage: a number that is none or out of range is refused and shown") {
        for (const std::string flag : {"--max-demand", "--capacity", "--buffer-size"}) {
            check_all_refused({{{flag, "0"}, "0"},
                               {{flag, "-1"}, "-1"},
                               {{flag, "abc"}, "abc"},
                               {{flag, "1e3"}, "1e3"},
                               {{flag, "7x"}, "7x"},
                               {{flag, ""}, flag},
                               {{flag, "99999999999999999999"}, "99999999999999999999"}});
        }
        check_all_refused({{{"--buffer-size", "16Q"}, "16Q"},
                           {{"--buffer-size", "M"}, "M"},
                           {{"--buffer-size", "18446744073709551615G"}, "18446744073709551615G"},
                           {{"--buffer-size", "17179869185G"}, "17179869185G"},
                           {{"--min-demand", "-1"}, "-1"},
                           {{"--min-demand", "abc"}, "abc"}});
    }

    TEST_CASE("usage: a min-demand that is not below the max-demand is refused and shown") {
        check_all_refused({{{"--min-demand", "1000"}, "1000"},
                           {{"--max-demand", "10", "--min-demand", "10"}, "10"},
                           {{"--max-demand", "10", "--min-demand", "4711"}, "4711"}});
    }

    TEST_CASE("usage: a number of consumers that there can't be is refused and shown") {
        check_all_refused({{{"--consumers", "0"}, "0"},
                           {{"--consumers", "65"}, "65"},
                           {{"--consumers", "-1"}, "-1"},
                           {{"--consumers", "x"}, "x"},
                           {{"--consumers", ""}, "--consumers"}});
    }

    TEST_CASE("usage: a way of dispatch, a key or a delimiter that is none is refused and shown") {
        check_all_refused({{{"--dispatch", "foo"}, "foo"},
                           {{"--dispatch", ""}, "--dispatch"},
                           {{"--partition-by", "0"}, "0"},
                           {{"--partition-by", "x"}, "x"},
                           {{"--partition-by", "1", "--partition-delimiter", "ab"}, "ab"}});
    }

    TEST_CASE("usage: a mode or a group of the socket that is none is refused and shown") {
        check_all_refused({{{"--socket-mode", "rw"}, "rw"},
                           {{"--socket-mode", "0999"}, "0999"},
                           {{"--socket-mode", "01777"}, "01777"},
                           {{"--socket-mode", "6"}, "6"},
                           {{"--socket-mode", ""}, "--socket-mode"},
                           {{"--socket-group", "no such group"}, "no such group"},
                           {{"--socket-group", "-1"}, "-1"},
                           {{"--socket-group", ""}, "--socket-group"}});
    }

    TEST_CASE("usage: a limit of records that is none is refused and shown") {
        check_all_refused({{{"--log-events", "some"}, "some"},
                           {{"--log-events", "0/s"}, "0"},
                           {{"--log-events", "10"}, "10"},
                           {{"--log-events", "x/s"}, "x"},
                           {{"--log-events", "-1/s"}, "-1"},
                           {{"--log-events", ""}, "--log-events"}});
    }

    TEST_CASE("usage: flags that have no meaning together are refused and shown") {
        check_all_refused({{{"--dispatch", "broadcast", "--partition-by", "4711"}, "4711"},
                           {{"--partition-delimiter", ";"}, ";"},
                           {{"--dispatch", "broadcast", "--partition-delimiter", ";"}, ";"}});
    }

    TEST_CASE("usage: a name that is none is refused and shown by every program") {
        const Pipeline pipeline;
        const std::string too_long(65, 'x');
        const std::vector<std::string> bad_names = {"a/b", "../x", ".x", "a b",   "a\tb",
                                                    "ä",   "a*",   "",   too_long};
        for (const auto& bad : bad_names) {
            // A control character is not shown as it is; the letters around it are enough.
            const std::string value = bad == "a\tb" ? "a" : bad;
            for (const std::string name : {"launcher", "enqueue", "producer", "consumer"}) {
                Command command;
                command.words = {program(name), "--name", bad, "--run-dir", pipeline.run_dir()};
                if (name == "launcher") {
                    command.words.insert(command.words.end(), {"--log-dir", pipeline.log_dir()});
                }
                if (name == "enqueue") command.words.push_back("5");
                check_refused(pipeline, command, value);
            }
        }
        CHECK_FALSE(std::filesystem::exists("/dev/shm/" + too_long));
        CHECK_FALSE(std::filesystem::exists("/dev/shm/.x"));
        CHECK_FALSE(std::filesystem::exists("/dev/shm/a b"));
    }

    TEST_CASE("usage: a name of 64 characters of all allowed kinds works") {
        Pipeline pipeline;
        std::string name = pipeline.name() + ".A_z-0";
        name.resize(64, '9');
        auto command = pipeline.launcher_command();
        command.words[2] = name;
        pipeline.start(command);
        CHECK(std::filesystem::exists("/dev/shm/" + name));
        CHECK(pipeline.stop() == 0);
        CHECK_FALSE(std::filesystem::remove("/dev/shm/" + name));
    }

    TEST_CASE("usage: producer, consumer and enqueue refuse unknown flags too") {
        const Pipeline pipeline;
        for (const auto* name : {"producer", "consumer", "enqueue"}) {
            check_refused(pipeline, pipeline.command(name, {"--frobnicate"}), "--frobnicate");
        }
    }

    TEST_CASE("usage: an environment variable that is out of range is refused and shown") {
        const Pipeline pipeline;
        auto command = pipeline.launcher_command();
        command.environment["DRAINPIPE_GRACE"] = "soon";
        check_refused(pipeline, command, "DRAINPIPE_GRACE: 'soon'");
        command.environment.erase("DRAINPIPE_GRACE");
        command.environment["DRAINPIPE_MAX_DEMAND"] = "0";
        check_refused(pipeline, command, "DRAINPIPE_MAX_DEMAND: '0'");
        command.environment.erase("DRAINPIPE_MAX_DEMAND");
        command.environment["DRAINPIPE_DISCARD"] = "perhaps";
        check_refused(pipeline, command, "DRAINPIPE_DISCARD: 'perhaps'");
    }

    TEST_CASE("usage: a refusal names the one of several origins whose value counts") {
        const Pipeline pipeline;
        const auto config = pipeline.directory() / "drainpipe.conf";
        write_text(config, "consumers = 65\n");
        auto command = pipeline.launcher_command({"--config", config});
        check_refused(pipeline, command, "drainpipe.conf:1: consumers: '65'");
        command.environment["DRAINPIPE_CONSUMERS"] = "zero";
        check_refused(pipeline, command, "DRAINPIPE_CONSUMERS: 'zero'");
        command.words.insert(command.words.end(), {"--consumers", "-1"});
        check_refused(pipeline, command, "--consumers: '-1'");
    }

    TEST_CASE("usage: an unknown key, a bad value or a missing config file is refused and shown") {
        const Pipeline pipeline;
        const auto config = pipeline.directory() / "drainpipe.conf";
        write_text(config, "frobnicate=7\n");
        check_refused(pipeline, pipeline.launcher_command({"--config", config}), "frobnicate");
        write_text(config, "grace=soon\n");
        check_refused(pipeline, pipeline.launcher_command({"--config", config}), "soon");
        write_text(config, "max-demand=0\n");
        check_refused(pipeline, pipeline.launcher_command({"--config", config}), "0");
        const auto missing = pipeline.directory() / "missing.conf";
        check_refused(pipeline, pipeline.launcher_command({"--config", missing}), "missing.conf");
    }

    TEST_CASE("usage: an empty value is not the same as none: it is refused and shown") {
        for (const std::string flag :
             {"--name", "--run-dir", "--log-dir", "--grace", "--max-demand", "--min-demand",
              "--capacity", "--buffer-size", "--event-delay", "--consumers", "--dispatch",
              "--partition-by", "--config"}) {
            const std::string shown = flag + ": ''";
            check_all_refused({{{flag, ""}, shown}, {{flag + "="}, shown}});
        }
        check_all_refused(
            {{{"--partition-by", "1", "--partition-delimiter", ""}, "--partition-delimiter: ''"},
             {{"--min-demand=", "--grace", "5s"}, "--min-demand: ''"},
             {{"--discard="}, "--discard: ''"},
             {{""}, "''"},
             {{"scale", ""}, "''"}});
        const Pipeline pipeline;
        for (const auto* name : {"producer", "consumer", "enqueue"}) {
            check_refused(pipeline, pipeline.command(name, {"--run-dir", ""}), "--run-dir: ''");
        }
        check_refused(pipeline, pipeline.command("consumer", {"--number", ""}), "--number: ''");
        check_refused(pipeline, pipeline.command("enqueue", {""}), "''");
    }

    TEST_CASE("usage: a value with control characters is shown in one line") {
        check_all_refused({{{"--grace", "1s\n2s"}, "'1s\\n2s'"},
                           {{"--capacity", "\t7\r"}, "'\\t7\\r'"},
                           {{"--name", "\x1b[31m"}, "'\\x1b[31m'"},
                           {{"--dispatch", "\xc2\x9bm"}, "'\\xc2\\x9bm'"},
                           {{"--frob\nnicate"}, "--frob\\nnicate"}});
        const Pipeline pipeline;
        for (const auto* name : {"producer", "consumer", "enqueue"}) {
            check_refused(pipeline, pipeline.command(name, {"--frob\nnicate"}), "--frob\\nnicate");
        }
    }

    TEST_CASE("usage: --help and --version go to standard output with exit code 0") {
        for (const auto* name : {"launcher", "producer", "consumer", "enqueue"}) {
            CAPTURE(name);
            const auto help = run({.words = {program(name), "--help"}});
            CHECK(help.code == 0);
            CHECK(help.errors == "");
            CHECK(contains(help.output, "--name"));
            CHECK(contains(help.output, "--run-dir"));
            const auto version = run({.words = {program(name), "--version"}});
            CHECK(version.code == 0);
            CHECK(version.errors == "");
            CHECK(is_one_line(version.output));
        }
    }

    TEST_CASE("usage: the launcher's help names every flag") {
        const auto help = run({.words = {program("launcher"), "--help"}}).output;
        for (const auto* flag : {"--name",
                                 "--run-dir",
                                 "--log-dir",
                                 "--grace",
                                 "--max-demand",
                                 "--min-demand",
                                 "--capacity",
                                 "--buffer-size",
                                 "--event-delay",
                                 "--consumers",
                                 "--dispatch",
                                 "--partition-by",
                                 "--partition-delimiter",
                                 "--discard",
                                 "--log-events",
                                 "--socket-mode",
                                 "--socket-group",
                                 "--config",
                                 "--help",
                                 "--version"}) {
            CAPTURE(flag);
            CHECK(contains(help, flag));
        }
    }
}

}  // namespace
