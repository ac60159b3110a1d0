#include "log_sink.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <fstream>
#include <string>
#include <vector>

#include "address.hpp"
#include "log.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using drainpipe::test::ScratchDirectory;

namespace {

std::vector<std::string> lines_in(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

// The text with every digit a 0.
std::string form_of(std::string text) {
    for (char& character : text) {
        character = std::isdigit(static_cast<unsigned char>(character)) ? '0' : character;
    }
    return text;
}

}  // namespace

TEST_SUITE("log_sink") {
    TEST_CASE("log: a record has the contract's form and is there when the call returns") {
        const ScratchDirectory directory;
        Log log(directory.path() / "new", "launcher", LogSink::File::required);
        log.info("ready name={}", "x");
        log.warn("careful");
        const auto lines = lines_in(directory.path() / "new" / "info.log");
        REQUIRE(lines.size() == 2);
        CHECK(form_of(lines[0].substr(0, 28)) == "0000-00-00T00:00:00.000000Z ");
        CHECK(lines[0].substr(28) ==
              "[" + std::to_string(::getpid()) + "] [launcher] [info] ready name=x");
        CHECK(lines[1].find("[warning] careful") != std::string::npos);
    }

    TEST_CASE("log: a label stands before every message, that of finished records too") {
        const ScratchDirectory directory;
        Log log(directory.path(), "launcher", LogSink::File::required, "name=x ");
        log.info("ready");
        CHECK(log.sink().prefix("consumer", spdlog::level::info).ends_with("] [info] name=x "));
        const auto lines = lines_in(directory.path() / "info.log");
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].ends_with("[launcher] [info] name=x ready"));
        CHECK(Address("x", "/tmp").log_label() == "name=x ");
        CHECK(Address(Address::kDefaultName, "/tmp").log_label() == "");
    }

    TEST_CASE("log: a record is one line, whatever it says") {
        const ScratchDirectory directory;
        Log log(directory.path(), "launcher", LogSink::File::required);
        log.info("socket={}", "/tmp/a\nb");
        const auto lines = lines_in(directory.path() / "info.log");
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].ends_with("] [info] socket=/tmp/a\\nb"));
    }

    TEST_CASE("log: finished records go after those that were logged before") {
        const ScratchDirectory directory;
        Log log(directory.path(), "consumer", LogSink::File::required);
        log.info("first");
        const std::string prefix = log.sink().prefix(log.program(), spdlog::level::info);
        log.sink().write_records(prefix + "second\n" + prefix + "third\n", 2);
        const auto lines = lines_in(directory.path() / "info.log");
        REQUIRE(lines.size() == 3);
        CHECK(lines[1] == prefix + "second");
        CHECK(prefix.substr(27) == lines[0].substr(27, prefix.size() - 27));
    }

    TEST_CASE("log: after a rename it goes on in a new file, and no record is lost over both") {
        const ScratchDirectory directory;
        Log log(directory.path(), "launcher", LogSink::File::required);
        log.info("one");
        std::filesystem::rename(directory.path() / "info.log", directory.path() / "old.log");
        log.info("two");
        REQUIRE(log.sink().reopen());
        log.info("three");
        CHECK(lines_in(directory.path() / "old.log").size() == 2);
        CHECK(lines_in(directory.path() / "info.log").size() == 1);
    }

    TEST_CASE("log: what another writer left torn after one's own last record is taken away") {
        const ScratchDirectory directory;
        const auto path = directory.path() / "info.log";
        Log log(directory.path(), "launcher", LogSink::File::required);
        log.info("one");
        std::ofstream(path, std::ios::app) << "2026-11-27T23:50:00.0000";
        log.info("two");
        const auto lines = lines_in(path);
        REQUIRE(lines.size() == 2);
        CHECK(lines[1].ends_with("[info] two"));
        // A new file that is as long as the old one was.
        std::filesystem::rename(path, directory.path() / "old.log");
        const auto size = std::filesystem::file_size(directory.path() / "old.log");
        std::ofstream(path) << std::string(size, 'x');
        REQUIRE(log.sink().reopen());
        log.info("three");
        CHECK(lines_in(path).size() == 2);
    }

    TEST_CASE("log: a full disk loses records, counts them, and stops nobody") {
        LogSink sink("/dev/full", LogSink::File::required);
        sink.write_records("a\nb\nc\n", 3);
        CHECK(sink.take_lost() == 3);
        CHECK(sink.take_lost() == 0);
    }
}
