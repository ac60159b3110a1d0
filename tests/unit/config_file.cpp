#include "config_file.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "failure.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using drainpipe::test::ScratchDirectory;

namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

const std::vector<std::string> kKeys{"grace", "log-dir", "name", "partition-delimiter"};

Items items_of(const std::string& text) {
    const ScratchDirectory directory;
    const auto path = directory.path() / "file";
    std::ofstream(path, std::ios::binary) << text;
    Items items;
    for (const ConfigItem& item : read_config_file(path, kKeys)) {
        items.emplace_back(item.key, item.value);
    }
    return items;
}

// What the refusal says, from the file's name on; nothing where it is none.
std::string refusal_of(const std::string& text) {
    try {
        items_of(text);
        return "";
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        const std::string message = failure.what();
        return message.substr(message.rfind("/file:") + 1);
    }
}

std::string value_of(const std::string& text) {
    const Items items = items_of(text);
    return items.size() == 1 ? items.front().second : "not one item";
}

}  // namespace

TEST_SUITE("config_file") {
    TEST_CASE("config file: empty lines and comments say nothing, the last line may be open") {
        CHECK(items_of("").empty());
        CHECK(items_of("\n \t\n# grace = 1s\n  ; grace = 2s\n\r\n").empty());
        CHECK(items_of("# all\n\ngrace=3s\nname = x") == Items{{"grace", "3s"}, {"name", "x"}});
    }

    TEST_CASE("config file: the value is all behind the first =, without the blanks around it") {
        CHECK(value_of("log-dir = /tmp/p/a b") == "/tmp/p/a b");
        CHECK(value_of("  log-dir\t=\t a,b  c \t\n") == "a,b  c");
        CHECK(value_of("log-dir = a=b # no comment") == "a=b # no comment");
        CHECK(value_of("log-dir = [a, b]") == "[a, b]");
        CHECK(value_of("grace = 5s\r\n") == "5s");
    }

    TEST_CASE("config file: one pair of quotes around the value is taken off") {
        CHECK(value_of("log-dir = \" a b \"") == " a b ");
        CHECK(value_of("log-dir = 'a b'\r\n") == "a b");
        CHECK(value_of("log-dir = \"\"a\"\"") == "\"a\"");
        CHECK(value_of("log-dir = 'a\"") == "'a\"");
        CHECK(value_of("partition-delimiter = '") == "'");
        CHECK(value_of("partition-delimiter = ,") == ",");
        CHECK(value_of("partition-delimiter = =") == "=");
        CHECK(value_of("partition-delimiter = \\t") == "\\t");
    }

    TEST_CASE("config file: what it can't mean is refused and shown") {
        CHECK(refusal_of("grace = 1s\nfrob = 7") == "file:2: 'frob = 7' has an unknown key");
        CHECK(refusal_of("= 7") == "file:1: '= 7' has an unknown key");
        CHECK(refusal_of("--grace = 7s") == "file:1: '--grace = 7s' has an unknown key");
        CHECK(refusal_of("[grace]") == "file:1: '[grace]' is not of the form key = value");
        CHECK(refusal_of("  grace 7s \n") == "file:1: 'grace 7s' is not of the form key = value");
        CHECK(refusal_of("grace =") == "file:1: 'grace =' has no value");
        CHECK(refusal_of("grace = \"\"") == "file:1: 'grace = \"\"' has no value");
        CHECK(refusal_of("grace=1s\nname=x\ngrace=2s") ==
              "file:3: 'grace=2s' has a key that came before");
        CHECK(refusal_of(std::string("name=x\0y", 8)) != "");
    }

    TEST_CASE("config file: a byte-order mark is passed over, an item says where it stood") {
        CHECK(items_of("\xef\xbb\xbfgrace = 5s") == Items{{"grace", "5s"}});
        CHECK(items_of("\xef\xbb\xbf# x\nname = y") == Items{{"name", "y"}});
        CHECK(refusal_of("name = y\n\xef\xbb\xbfgrace = 5s") != "");
        const ScratchDirectory directory;
        const auto path = directory.path() / "file";
        std::ofstream(path) << "# one\n\nname = x\n";
        CHECK(read_config_file(path, kKeys).at(0).place == path.string() + ":3");
    }

    TEST_CASE("config file: one that can't be read is refused") {
        const ScratchDirectory directory;
        CHECK_THROWS_AS(read_config_file(directory.path(), {}), Failure);
        CHECK_THROWS_AS(read_config_file(directory.path() / "missing", {}), Failure);
    }
}
