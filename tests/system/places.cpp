// Where programs and scripts may be started from, and how they find each other.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/audit.hpp"
#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;

namespace {

// A whole run with the launcher started this way.
void check_runs(Pipeline& pipeline, const Command& command) {
    pipeline.start(command);
    CHECK(pipeline.enqueue_all(numbers(1, 100)) == 100);
    CHECK(pipeline.stop() == 0);
    CHECK(fault_of_run(pipeline.log(), pipeline.output()) == "");
    CHECK(pipeline.leftovers() == "");
}

// enqueue.sh, given as this path and started in this directory, reaches the running pipeline.
void check_script(const Pipeline& pipeline, const std::filesystem::path& script,
                  const std::filesystem::path& directory) {
    auto command = pipeline.command("enqueue", {"5"});
    command.words[0] = script;
    command.directory = directory;
    command.environment["CDPATH"] =
        directory;  // a shell's cd looks there, and prints where it went
    const auto outcome = run(command);
    CAPTURE(script);
    CAPTURE(directory);
    INFO("standard error: ", outcome.errors);
    CHECK(outcome.code == 0);
    CHECK(outcome.output == "accepted=5\n");
}

TEST_SUITE("places") {
    TEST_CASE("places: the launcher may be started from any directory") {
        for (const std::string directory : {"/", "/tmp"}) {
            Pipeline pipeline;
            auto command = pipeline.launcher_command();
            command.directory = directory;
            check_runs(pipeline, command);
        }
    }

    TEST_CASE("places: the launcher may be started as ./launcher and by a path with ..") {
        Pipeline pipeline;
        auto command = pipeline.launcher_command();
        command.directory = programs_directory();
        command.words[0] = "./launcher";
        check_runs(pipeline, command);
        command.words[0] = "../" + programs_directory().filename().string() + "/launcher";
        check_runs(pipeline, command);
    }

    TEST_CASE("places: the launcher may be started through a symbolic link") {
        Pipeline pipeline;
        const auto link = pipeline.directory() / "start-it";
        std::filesystem::create_symlink(program("launcher"), link);
        auto command = pipeline.launcher_command();
        command.words[0] = link;
        check_runs(pipeline, command);
    }

    TEST_CASE("places: the programs may live in a directory with spaces") {
        const TemporaryDirectory parent("dp-places");
        const auto home = parent.path() / "a directory  with 'spaces'";
        std::filesystem::create_directory(home);
        copy_programs(home);
        Pipeline pipeline(home);
        check_runs(pipeline, pipeline.launcher_command());
    }

    TEST_CASE("places: run-dir and log-dir may have spaces, and may be relative") {
        Pipeline pipeline;
        auto command = pipeline.launcher_command();
        command.words[4] = "run here";
        command.words[6] = "log here";
        pipeline.launch(command);
        const auto log_file = pipeline.directory() / "log here" / "info.log";
        const auto is_ready = [&] {
            return !RecordLog(read_text(log_file)).first("ready ").empty();
        };
        CHECK(await(is_ready));
        auto client = pipeline.command("enqueue", {"5"});
        client.words[4] = "run here";
        CHECK(run(client).output == "accepted=5\n");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == numbers(1, 5));
    }

    TEST_CASE("places: siblings are found beside the executable, not in PATH or the directory") {
        const TemporaryDirectory decoys("dp-decoys");
        const auto touched = decoys.path() / "touched";
        for (const auto* name : {"producer", "consumer", "enqueue"}) {
            write_script(decoys.path() / name, "#!/bin/sh\ntouch '" + touched.string() + "'\n");
        }
        Pipeline pipeline;
        auto command = pipeline.launcher_command();
        command.directory = decoys.path();
        command.environment["PATH"] = decoys.path().string() + ":/usr/bin:/bin";
        check_runs(pipeline, command);
        CHECK_FALSE(std::filesystem::exists(touched));
    }

    TEST_CASE("places: enqueue.sh works from the build directory and from any other") {
        Pipeline pipeline;
        pipeline.start();
        check_script(pipeline, "scripts/enqueue.sh", programs_directory());
        check_script(pipeline, "./scripts/enqueue.sh", programs_directory());
        check_script(pipeline, "../scripts/enqueue.sh", program("scripts"));
        check_script(pipeline, program("scripts/enqueue.sh"), "/");
        check_script(pipeline, program("scripts/enqueue.sh"), pipeline.directory());
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.log().account().value().accepted == 25);
    }

    TEST_CASE("places: enqueue.sh works from an installed copy with spaces in its path") {
        const TemporaryDirectory parent("dp-places");
        const auto home = parent.path() / "installed copy";
        std::filesystem::create_directory(home);
        copy_programs(home);
        Pipeline pipeline(home);
        pipeline.start();
        check_script(pipeline, "scripts/enqueue.sh", home);
        check_script(pipeline, home / "scripts/enqueue.sh", "/");
        check_script(pipeline, "./enqueue.sh", home / "scripts");
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("places: enqueue.sh works from the root of a repository that is built") {
        const TemporaryDirectory root("dp-places");
        const auto build = root.path() / "build";
        std::filesystem::create_directory(build);
        copy_programs(build);
        std::filesystem::rename(build / "scripts", root.path() / "scripts");
        std::filesystem::create_directory_symlink(root.path() / "scripts", build / "scripts");
        Pipeline pipeline(build);
        pipeline.start();
        check_script(pipeline, "scripts/enqueue.sh", root.path());
        check_script(pipeline, root.path() / "scripts/enqueue.sh", "/");
        check_script(pipeline, "scripts/enqueue.sh", build);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("places: enqueue.sh hands on the client's exit code and standard input") {
        Pipeline pipeline;
        auto command = pipeline.command("enqueue", {"5"});
        command.words[0] = program("scripts/enqueue.sh");
        CHECK(run(command).code == 69);
        command.words.back() = "1e3";
        CHECK(run(command).code == 64);
        pipeline.start();
        command.words.back() = "-";
        command.input = pipeline.directory() / "lines";
        write_text(command.input, "a b\nc\n");
        CHECK(run(command).output == "accepted=2\n");
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.output() == "a b\nc\n");
    }

    TEST_CASE("places: a run directory that was made for a refused start is removed again") {
        Pipeline pipeline;
        write_text(pipeline.log_dir(), "no directory");
        CHECK(run(pipeline.launcher_command()).code == 73);
        CHECK_FALSE(std::filesystem::exists(pipeline.run_dir()));
        std::filesystem::remove(pipeline.log_dir());
        write_text(pipeline.segment(), "no segment");
        CHECK(run(pipeline.launcher_command()).code == 73);
        CHECK_FALSE(std::filesystem::exists(pipeline.run_dir()));
        std::filesystem::remove(pipeline.segment());
        std::filesystem::create_directory(pipeline.run_dir());
        write_text(pipeline.segment(), "no segment");
        CHECK(run(pipeline.launcher_command()).code == 73);
        CHECK(std::filesystem::is_directory(pipeline.run_dir()));
    }

    TEST_CASE("places: enqueue and scale find a pipeline in another default run directory") {
        Pipeline pipeline;
        const auto runtime = pipeline.directory() / "runtime";
        std::filesystem::create_directory(runtime);
        // As in a login session; the client, as from cron, has none.
        auto command = pipeline.launcher_command();
        command.words = {program("launcher"), "--name", pipeline.name(), "--log-dir",
                         pipeline.log_dir()};
        command.environment["XDG_RUNTIME_DIR"] = "";
        pipeline.launch(command);
        REQUIRE(await([&] { return contains(pipeline.errors(), "ready "); }));
        Command client{.words = {program("enqueue"), "--name", pipeline.name(), "7"}};
        client.environment["XDG_RUNTIME_DIR"] = runtime;
        CHECK(run(client).output == "accepted=7\n");
        Command scale{.words = {program("launcher"), "--name", pipeline.name(), "scale", "2"}};
        scale.environment = client.environment;
        CHECK(run(scale).code == 0);
        client.words = {program("enqueue"), "--name", pipeline.name(), "--print-socket"};
        const auto printed = run(client);
        CHECK(printed.code == 0);
        CHECK(contains(printed.output, pipeline.name() + ".sock\n"));
        CHECK(std::filesystem::exists(printed.output.substr(0, printed.output.size() - 1)));
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("places: one that runs in another run directory is told with directory and pid") {
        Pipeline pipeline;
        pipeline.start();
        auto command = pipeline.launcher_command();
        command.words = {program("launcher"),
                         "--name",
                         pipeline.name(),
                         "--run-dir",
                         pipeline.directory() / "other",
                         "--log-dir",
                         pipeline.log_dir()};
        const auto second = run(command);
        CHECK(second.code == 75);
        CHECK(is_one_line(second.errors));
        CHECK(contains(second.errors, pipeline.run_dir().string()));
        CHECK(contains(second.errors, std::to_string(pipeline.launcher().pid())));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }

    TEST_CASE("places: the socket has the mode and the group that were asked for" *
              doctest::skip(::geteuid() != 0)) {
        Pipeline pipeline;
        constexpr gid_t kGroup = 65534;
        pipeline.start({"--socket-mode", "0660", "--socket-group", std::to_string(kGroup)});
        struct stat info {};
        REQUIRE(::stat(pipeline.socket().c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0660);
        CHECK(info.st_gid == kGroup);
        REQUIRE(::stat(pipeline.run_dir().c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0750);
        CHECK(info.st_gid == kGroup);
        std::filesystem::permissions(pipeline.directory(), std::filesystem::perms{0755});
        auto command = pipeline.command("enqueue", {"5"});
        command.user = kNobody;  // of that group
        CHECK(run(command).output == "accepted=5\n");
        ::kill(pipeline.stage("producer").value(), SIGKILL);
        CHECK(await([&] { return run(command).output == "accepted=5\n"; }));
        CHECK(pipeline.stop() == 0);
        CHECK(pipeline.leftovers() == "");
    }
}

}  // namespace
