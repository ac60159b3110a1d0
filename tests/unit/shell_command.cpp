#include "shell_command.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "scratch_directory.hpp"

using namespace drainpipe;
using Words = std::vector<std::string>;

namespace {

bool is_for_shell(const std::string& text) { return ShellCommand(text).program().empty(); }

}  // namespace

TEST_SUITE("shell_command") {
    TEST_CASE("command: words alone, of which the first is a program, need no shell") {
        const ShellCommand command("  cat   -n\t./a,b:c@d%e+f ");
        CHECK(command.program().ends_with("/cat"));
        CHECK(command.words() == Words{"cat", "-n", "./a,b:c@d%e+f"});
        CHECK(command.text() == "  cat   -n\t./a,b:c@d%e+f ");
        CHECK(ShellCommand("/bin/sh").program() == "/bin/sh");
        CHECK(ShellCommand("true").words() == Words{"true"});
    }

    TEST_CASE("command: what means something to a shell is the shell's") {
        for (const std::string part :
             {"'a'", "\"a\"", "$1", "`a`", "a|b", "a&",  "a;b", "(a)", "<a", ">a",       "*", "?",
              "[a]", "~",     "#a", "!",   "{a}", "\\a", "a=b", "^",   "\n", "\xc3\xa4", "\r"}) {
            CAPTURE(part);
            CHECK(is_for_shell("cat " + part));
        }
        CHECK(is_for_shell("A=b cat"));
        CHECK(is_for_shell(""));
        CHECK(is_for_shell(" \t"));
    }

    TEST_CASE("command: a shell's own words, and what is no program, are the shell's") {
        for (const std::string word : {"echo a",
                                       "printf a",
                                       "test a",
                                       "kill 1",
                                       "exit 3",
                                       "cd /",
                                       "exec cat",
                                       ".",
                                       ":",
                                       "time cat",
                                       "if",
                                       "pwd",
                                       "read a",
                                       "ulimit -n",
                                       "command cat",
                                       "no-such-program-here",
                                       "/no/such/program",
                                       "/etc/passwd",
                                       "/tmp",
                                       "set",
                                       "while",
                                       "umask 0",
                                       "wait"}) {
            CAPTURE(word);
            CHECK(is_for_shell(word));
        }
    }

    TEST_CASE("command: the program is found through PATH, as a shell would") {
        const test::ScratchDirectory scratch;
        const std::filesystem::path first = scratch.path() / "first";
        const std::filesystem::path second = scratch.path() / "second";
        for (const auto& directory : {first, second}) {
            std::filesystem::create_directories(directory / "tool");
            std::filesystem::create_directory(directory / "x");
        }
        std::filesystem::remove(second / "tool");
        std::ofstream(second / "tool") << "#!/bin/sh\n";
        std::ofstream(first / "other") << "#!/bin/sh\n";  // not executable
        const std::string before = std::getenv("PATH");
        ::setenv("PATH", (first.string() + ":" + second.string()).c_str(), 1);
        CHECK(is_for_shell("tool"));
        std::filesystem::permissions(second / "tool", std::filesystem::perms{0755});
        CHECK(ShellCommand("tool").program() == (second / "tool").string());
        CHECK(is_for_shell("other"));
        ::setenv("PATH", before.c_str(), 1);
    }
}
