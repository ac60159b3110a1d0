// What the README leads with, and every worker that docs/worker.md shows, is run as it stands
// there.

#include <doctest/doctest.h>

#include <algorithm>

#include "harness/expect.hpp"
#include "harness/pipeline.hpp"

using namespace harness;

namespace {

struct Example {
    std::string language;  // and what else stands behind the fence
    std::string text;
};

std::vector<Example> examples(const std::string& name) {
    const auto page = read_text(std::filesystem::path(DRAINPIPE_SOURCE_DIR) / name);
    std::vector<Example> found;
    bool is_inside = false;
    for (const auto line : lines_of(page)) {
        if (line.starts_with("```")) {
            is_inside = !is_inside;
            if (is_inside) found.push_back({std::string(line.substr(3)), ""});
        } else if (is_inside) {
            found.back().text.append(line).append(1, '\n');
        }
    }
    return found;
}

// The command that runs it.
std::string command_for(const Example& example, const std::filesystem::path& directory) {
    const auto language = example.language.substr(0, example.language.find(' '));
    const auto source = directory / ("example." + language);
    write_text(source, example.text);
    if (language == "python") return "python3 " + source.string();
    if (language == "sh") return "sh " + source.string();
    REQUIRE(language == "c");
    const auto program = directory / "example";
    const auto compiled = run({.words = {"/usr/bin/env", "cc", "-Wall", "-Wextra", "-Werror", "-o",
                                         program.string(), source.string()}});
    INFO("the compiler: ", compiled.errors);
    REQUIRE(compiled.code == 0);
    return program.string();
}

// The block of that language in the README that has these words.
std::string readme_block(std::string_view language, std::string_view words) {
    const auto all = examples("README.md");
    const auto found = std::ranges::find_if(all, [&](const Example& example) {
        return example.language == language && contains(example.text, words);
    });
    REQUIRE(found != all.end());
    return found->text;
}

// Lines of shell, in a directory where the launcher lies as in the build directory; drainpipe is in
// PATH.
Outcome run_lines(const Pipeline& pipeline, const std::string& lines) {
    for (const auto* name : {"launcher", "drainpipe"}) {
        std::filesystem::create_symlink(program(name), pipeline.directory() / name);
    }
    return run(
        {.words = {"/bin/sh", "-c",
                   "cd '" + pipeline.directory().string() +
                       "'\nexport PATH=$PWD:$PATH DRAINPIPE_NAME=" + pipeline.name() +
                       " DRAINPIPE_RUN_DIR='" + pipeline.run_dir().string() + "'\n" + lines}});
}

TEST_SUITE("pages") {
    TEST_CASE("readme: the commands that it leads with do what they say") {
        for (const auto* words : {"drainpipe run --from files", "./launcher --from files"}) {
            const Pipeline pipeline;
            for (const std::string name : {"one.txt", "two words.txt", "three.txt"}) {
                write_text(pipeline.directory() / name, name);
            }
            const auto outcome = run_lines(pipeline, readme_block("sh", words));
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 0);
            for (const std::string name : {"one.txt", "two words.txt", "three.txt"}) {
                CHECK(std::filesystem::exists(pipeline.directory() / (name + ".gz")));
                CHECK_FALSE(std::filesystem::exists(pipeline.directory() / name));
            }
            CHECK(contains(outcome.errors, "accepted=3 processed=3"));
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("readme: the workers that it leads with do the same") {
        for (const std::string file : {"worker.py", "worker.sh"}) {
            CAPTURE(file);
            const Pipeline pipeline;
            const bool is_python = file == "worker.py";
            write_text(pipeline.directory() / file, is_python ? readme_block("python", "sys.stdin")
                                                              : readme_block("sh", "while read"));
            std::string lines = readme_block("sh", "--worker");
            if (!is_python) {
                const std::string python = "python3 worker.py";
                lines.replace(lines.find(python), python.size(), "sh worker.sh");
            }
            const auto outcome = run_lines(pipeline, lines);
            INFO("standard error: ", outcome.errors);
            CHECK(outcome.code == 0);
            CHECK(contains(outcome.errors, "accepted=1000 "));
            CHECK(contains(outcome.errors, " left=0 "));
            std::uint64_t sum = 0;
            for (const auto line : lines_of(outcome.output)) sum += std::stoull(std::string(line));
            CHECK(sum == 333833500);  // of the squares
            CHECK(pipeline.leftovers() == "");
        }
    }

    TEST_CASE("worker page: each worker on it works as it stands") {
        const auto all = examples("docs/worker.md");
        for (const std::string language : {"python", "python json", "sh", "c"}) {
            CHECK(std::ranges::count(all, language, &Example::language) == 1);
        }
        for (const Example& example : all) {
            CAPTURE(example.language);
            Pipeline pipeline;
            const bool is_json = contains(example.language, "json");
            pipeline.start({"--worker", command_for(example, pipeline.directory()),
                            "--worker-format", is_json ? "json" : "plain", "--window", "1"});
            CHECK(pipeline.enqueue_all("one\n\n  two  spaces \n\"quotes\" \\n $HOME *\n"
                                       "\xc3\xa9\n\xff\xfe\n") == 6);
            CHECK(pipeline.await_output(6));
            CHECK(pipeline.stop() == 0);
            INFO("standard error: ", pipeline.errors());
            CHECK(pipeline.output() == "3\n0\n14\n19\n2\n2\n");
            CHECK(pipeline.log().starting("failed ").empty());
            CHECK(pipeline.leftovers() == "");
        }
    }
}

}  // namespace
