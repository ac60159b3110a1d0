// Where an option's value comes from.

#include <doctest/doctest.h>

#include <algorithm>

#include "harness/pipeline.hpp"

using namespace harness;

namespace {

// The grace time that a run says it uses.
std::string grace_of_run(const Command& command, Pipeline& pipeline) {
    pipeline.start(command);
    CHECK(pipeline.stop() == 0);
    const auto log = pipeline.log();
    return std::string(value_of(log.first("stopping "), "grace").value_or("missing"));
}

// DRAINPIPE_ and the flag's name in capitals, - as _.
std::string variable_of(const std::string& flag) {
    std::string variable = "DRAINPIPE_";
    for (const char letter : flag) {
        variable.push_back(letter == '-' ? '_' : static_cast<char>(letter - 'a' + 'A'));
    }
    return variable;
}

TEST_SUITE("options") {
    TEST_CASE("options: flag beats environment beats config file beats default") {
        Pipeline pipeline;
        const auto config = pipeline.directory() / "drainpipe.conf";
        write_text(config, "grace=3s\n");
        CHECK(grace_of_run(pipeline.launcher_command(), pipeline) == "10s");
        auto command = pipeline.launcher_command({"--config", config});
        CHECK(grace_of_run(command, pipeline) == "3s");
        command.environment["DRAINPIPE_GRACE"] = "4s";
        CHECK(grace_of_run(command, pipeline) == "4s");
        command.words.insert(command.words.end(), {"--grace", "5s"});
        CHECK(grace_of_run(command, pipeline) == "5s");
    }

    TEST_CASE("options: every option may come from the config file, and from the environment") {
        Pipeline pipeline;
        const std::vector<std::pair<std::string, std::string>> options = {
            {"name", pipeline.name()},
            {"run-dir", pipeline.run_dir().string()},
            {"log-dir", pipeline.log_dir().string()},
            {"grace", "7s"},
            {"max-demand", "10"},
            {"min-demand", "3"},
            {"capacity", "100"},
            {"buffer-size", "64K"},
            {"event-delay", "1us"},
            {"log-events", "100/s"},
            {"socket-mode", "0660"},
            {"socket-group", "0"},
            {"consumers", "2"},
            {"dispatch", "demand"},
            {"partition-by", "1"},
            {"partition-delimiter", ";"},
            {"discard", "true"}};
        Command from_environment{.words = {program("launcher")}};
        std::string text;
        for (const auto& [key, value] : options) {
            text += key + "=\"" + value + "\"\n";
            from_environment.environment[variable_of(key)] = value;
        }
        const auto config = pipeline.directory() / "drainpipe.conf";
        write_text(config, text);
        const Command from_file{.words = {program("launcher"), "--config", config}};
        for (const auto& command : {from_file, from_environment}) {
            CHECK(grace_of_run(command, pipeline) == "7s");
            const auto log = pipeline.log();
            const auto pids = value_of(log.first("ready "), "consumer").value_or("");
            CHECK(std::ranges::count(pids, ',') == 1);
        }
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("options: a broadcast may be asked for in the config file, and in the environment") {
        Pipeline pipeline;
        const auto config = pipeline.directory() / "drainpipe.conf";
        write_text(config, "dispatch = broadcast\nconsumers = 2\n");
        auto from_environment = pipeline.launcher_command();
        from_environment.environment["DRAINPIPE_DISPATCH"] = "broadcast";
        from_environment.environment["DRAINPIPE_CONSUMERS"] = "2";
        for (const auto& command :
             {pipeline.launcher_command({"--config", config}), from_environment}) {
            pipeline.start(command);
            CHECK(pipeline.enqueue_all("x\n") == 1);
            CHECK(pipeline.stop() == 0);
            CHECK(pipeline.output() == "x\nx\n");
        }
    }

    TEST_CASE("options: records carry the pipeline's name where it is not the default") {
        Pipeline pipeline;
        pipeline.start({"--consumers", "2"});
        CHECK(pipeline.enqueue_all(numbers(1, 10)) == 10);
        CHECK(pipeline.stop() == 0);
        const auto text = read_text(pipeline.log_file());
        for (const auto line : lines_of(text)) {
            CHECK(line.find("] [info] name=" + pipeline.name() + " ") != std::string_view::npos);
        }
    }

    TEST_CASE("options: records of events are as many as --log-events says, the account is whole") {
        for (const std::string how : {"off", "10/s"}) {
            CAPTURE(how);
            Pipeline pipeline;
            pipeline.start({"--log-events", how, "--consumers", "2"});
            CHECK(pipeline.enqueue_all(numbers(1, 5000)) == 5000);
            CHECK(pipeline.await_output(2000));
            CHECK(pipeline.stop() == 0);
            const auto log = pipeline.log();
            std::uint64_t left_out = 0;
            for (const auto& record : log.starting("left out ")) {
                left_out += number_of(record.message, "records").value_or(0);
            }
            CHECK(log.events().size() + left_out == 5000);
            CHECK((how == "off") == log.events().empty());
            CHECK(left_out > 4000);
            const auto account = log.account().value();
            CHECK(account.processed + account.emptied + account.drained == 5000);
            CHECK(lines_of(pipeline.output()).size() == 5000);
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("options: a variable that is empty counts as not set") {
        Pipeline pipeline;
        auto command = pipeline.launcher_command();
        for (const std::string flag :
             {"grace", "min-demand", "partition-by", "config", "run-dir"}) {
            command.environment[variable_of(flag)] = "";
        }
        CHECK(grace_of_run(command, pipeline) == "10s");
    }

    TEST_CASE("options: name and directories may come from the environment, for enqueue as well") {
        Pipeline pipeline;
        Command command;
        command.words = {program("launcher")};
        command.directory = pipeline.directory();
        command.environment = {{"DRAINPIPE_NAME", pipeline.name()},
                               {"DRAINPIPE_RUN_DIR", pipeline.run_dir()},
                               {"DRAINPIPE_LOG_DIR", pipeline.log_dir()}};
        pipeline.start(command);
        CHECK(std::filesystem::exists(pipeline.segment()));
        command.words = {program("enqueue"), "5"};
        CHECK(run(command).output == "accepted=5\n");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 5));
    }
}

}  // namespace
