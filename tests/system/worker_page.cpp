// Every worker that docs/worker.md shows is run as it stands there.

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

std::vector<Example> examples() {
    const auto page = read_text(std::filesystem::path(DRAINPIPE_SOURCE_DIR) / "docs" / "worker.md");
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

TEST_SUITE("worker_page") {
    TEST_CASE("worker page: each worker on it works as it stands") {
        const auto all = examples();
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
