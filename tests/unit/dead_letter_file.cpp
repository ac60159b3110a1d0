#include "dead_letter_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "descriptor.hpp"
#include "failure.hpp"
#include "forked.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using namespace drainpipe::test;
using namespace std::chrono_literals;

namespace {

DeadLetter letter_of(std::uint64_t id, const std::string& payload = "payload") {
    return {id, "5f1c0e9a", "2026-11-22T17:40:01.123456Z", 4, "exit status 3", payload, ""};
}

// In a directory of its own that is not there yet.
struct Scratch {
    ScratchDirectory directory;
    DeadLetterFile file{directory.path() / "log" / DeadLetterFile::kFileName};

    std::string text() const {
        std::ifstream stream(file.path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    void write(const std::string& text) const {
        std::filesystem::create_directories(file.path().parent_path());
        std::ofstream(file.path(), std::ios::binary | std::ios::trunc) << text;
    }
    bool append(const DeadLetter& letter) const { return file.try_append({&letter, 1}); }
};

void append_until_in(const DeadLetterFile& file, const DeadLetter& letter) {
    while (!file.try_append({&letter, 1})) {
        std::this_thread::sleep_for(100us);
    }
}

// The exit code of a process that runs `body`, which returns it.
template <typename Body>
int code_of(Body&& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        try {
            ::_exit(body());
        } catch (...) {
            ::_exit(99);
        }
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

}  // namespace

TEST_SUITE("dead_letter_file") {
    TEST_CASE("dead letters: a line is as the contract has it") {
        const Scratch scratch;
        REQUIRE(scratch.append(letter_of(17, "two\nlines \"quoted\"")));
        DeadLetter binary = letter_of(18, "\xff\xfe\xfb");
        binary.errors = "oops\n";
        REQUIRE(scratch.append(binary));
        CHECK(scratch.text() ==
              R"({"id":17,"run":"5f1c0e9a","time":"2026-11-22T17:40:01.123456Z","attempts":4,)"
              R"("reason":"exit status 3","payload":"two\nlines \"quoted\""})"
              "\n"
              R"({"id":18,"run":"5f1c0e9a","time":"2026-11-22T17:40:01.123456Z","attempts":4,)"
              R"("reason":"exit status 3","payload_base64":"//77","stderr":"oops\n"})"
              "\n");
        struct stat info {};
        REQUIRE(::stat(scratch.file.path().c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0600);
    }

    TEST_CASE("dead letters: what was appended is read, byte for byte") {
        const Scratch scratch;
        std::vector<DeadLetter> letters;
        std::string all;
        for (int byte = 0; byte < 256; ++byte) {
            all += static_cast<char>(byte);
        }
        for (const std::string& payload :
             {std::string(), std::string("a\0b\0", 4), all, std::string("\n\r\t\x7f\x1b"),
              std::string("\xc3\xa9\xe2\x80\xa8"), std::string(300'000, 'x')}) {
            letters.push_back(letter_of(letters.size() + 1, payload));
        }
        letters.back().id = UINT64_MAX;
        letters.back().attempts = UINT32_MAX;
        REQUIRE(scratch.file.try_append(letters));
        CHECK(scratch.file.read() == letters);
    }

    TEST_CASE("dead letters: attributes of an event are in its letter, and come back") {
        const Scratch scratch;
        DeadLetter letter = letter_of(17);
        letter.attributes = std::string("NATS_SUBJECT=orders.new\0NATS_SEQUENCE=5\0", 40);
        REQUIRE(scratch.append(letter));
        CHECK(
            scratch.text().ends_with("\"attributes\":{\"NATS_SUBJECT\":\"orders.new\","
                                     "\"NATS_SEQUENCE\":\"5\"}}\n"));
        CHECK(scratch.file.read() == std::vector{letter});
    }

    TEST_CASE("dead letters: of standard error the end is kept, and made UTF-8; so is the reason") {
        const Scratch scratch;
        DeadLetter letter = letter_of(1);
        letter.errors = "\xe2\x82\xac" + std::string(DeadLetter::kMaxErrors - 1, 'e');
        REQUIRE(scratch.append(letter));
        letter.errors =
            "a\xff"
            "b";
        letter.reason = "\xfe";
        REQUIRE(scratch.append(letter));
        const auto letters = scratch.file.read();
        REQUIRE(letters.size() == 2);
        CHECK(letters[0].errors == std::string(DeadLetter::kMaxErrors - 1, 'e'));
        CHECK(letters[1].errors ==
              "a\xef\xbf\xbd"
              "b");
        CHECK(letters[1].reason == "\xef\xbf\xbd");
    }

    TEST_CASE("dead letters: no file is one without letters, and nothing makes it but a letter") {
        const Scratch scratch;
        CHECK(scratch.file.read().empty());
        CHECK(scratch.file.ids_of("5f1c0e9a").empty());
        CHECK(scratch.file.remove_if([](const auto&, auto) { return true; }) == 0);
        CHECK_FALSE(std::filesystem::exists(scratch.file.path().parent_path()));
    }

    TEST_CASE("dead letters: the ids of a run are those of that run") {
        const Scratch scratch;
        DeadLetter other = letter_of(9);
        other.run = "00000001";
        REQUIRE(scratch.file.try_append(std::vector{letter_of(3), other, letter_of(1)}));
        CHECK(scratch.file.ids_of("5f1c0e9a") == std::set<std::uint64_t>{1, 3});
        CHECK(scratch.file.ids_of("5f1c0e9").empty());
    }

    TEST_CASE("dead letters: a torn end is no letter, and the next append takes it away") {
        const std::string whole = to_line(letter_of(1));
        for (const std::string& torn :
             {whole.substr(0, 1), whole.substr(0, whole.size() - 1), std::string(200'000, 'x')}) {
            for (const std::string& before : {std::string(), whole}) {
                const Scratch scratch;
                scratch.write(before + torn);
                CHECK(scratch.file.read().size() == (before.empty() ? 0 : 1));
                REQUIRE(scratch.append(letter_of(2)));
                CHECK(scratch.text() == before + to_line(letter_of(2)));
            }
        }
    }

    TEST_CASE("dead letters: an appender killed in the middle of a letter harms no other") {
        const Scratch scratch;
        REQUIRE(scratch.append(letter_of(1)));
        const pid_t pid = fork_to_die([&] {
            const Descriptor file(::open(scratch.file.path().c_str(), O_WRONLY | O_APPEND));
            ::flock(file.get(), LOCK_EX);
            write_all(file.get(), to_line(letter_of(2)).substr(0, 40));
            ::kill(::getpid(), SIGKILL);
        });
        CHECK(was_killed(pid));
        REQUIRE(scratch.append(letter_of(3)));
        CHECK(scratch.text() == to_line(letter_of(1)) + to_line(letter_of(3)));
    }

    TEST_CASE("dead letters: who can't have the lock changes nothing and does not wait") {
        const Scratch scratch;
        REQUIRE(scratch.append(letter_of(1)));
        const Descriptor file(::open(scratch.file.path().c_str(), O_RDONLY));
        REQUIRE(::flock(file.get(), LOCK_EX) == 0);
        CHECK_FALSE(scratch.append(letter_of(2)));
        CHECK(scratch.file.read().size() == 1);  // all the same
        CHECK_THROWS_AS(scratch.file.remove_if([](const auto&, auto) { return true; }), Failure);
        ::flock(file.get(), LOCK_UN);
        CHECK(scratch.append(letter_of(2)));
        CHECK(scratch.file.read().size() == 2);
    }

    TEST_CASE("dead letters: a full disk leaves the file as it was") {
        const Scratch scratch;
        REQUIRE(scratch.append(letter_of(1)));
        const std::string before = scratch.text();
        const int code = code_of([&] {
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{before.size() + 50, before.size() + 50};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            try {
                return scratch.append(letter_of(2)) ? 1 : 2;
            } catch (const std::system_error& error) {
                return error.code().value() == EFBIG ? 0 : 3;
            }
        });
        CHECK(code == 0);
        CHECK(scratch.text() == before);
        // Nor is anything lost where there is no room for what stays.
        REQUIRE(scratch.append(letter_of(2, std::string(5000, 'x'))));
        const std::string both = scratch.text();
        CHECK(code_of([&] {
                  ::signal(SIGXFSZ, SIG_IGN);
                  const rlimit limit{1000, 1000};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  try {
                      return static_cast<int>(scratch.file.remove_if(
                                 [](const DeadLetter& letter, auto) { return letter.id == 1; })) +
                             1;
                  } catch (const std::system_error&) {
                      return 0;
                  }
              }) == 0);
        CHECK(scratch.text() == both);
        std::filesystem::directory_iterator files(scratch.file.path().parent_path());
        CHECK(std::distance(files, {}) == 1);
    }

    TEST_CASE("dead letters: what is removed is gone, all else stays byte for byte") {
        const Scratch scratch;
        const std::string odd =
            "not json\n"
            "{\"id\":2}\n"
            "\n"
            "[]\n"
            "{\"id\":\"2\",\"run\":\"a\",\"time\":\"t\",\"attempts\":1,\"reason\":\"\",\"payload\":"
            "\"\"}\n"
            "{\"id\":2,\"run\":\"a\",\"time\":\"t\",\"attempts\":5000000000,\"reason\":\"\","
            "\"payload\":\"\"}\n"
            "{\"id\":2,\"run\":\"a\",\"time\":\"t\",\"attempts\":1,\"reason\":\"\","
            "\"payload\":\"\",\"payload_base64\":\"\"}\n"
            "{\"id\":2,\"run\":\"a\",\"time\":\"t\",\"attempts\":1,\"reason\":\"\",\"payload_"
            "base64\":\"!\"}\n"
            "\xff\n";
        const std::string more =
            "{ \"run\":\"a\", \"new\":[1], \"id\":2,\"time\":\"t\",\"attempts\":1,\"reason\":\"\","
            "\"payload\":\"\"}\n";
        const std::string torn = "{\"id\":9,";
        scratch.write(odd + to_line(letter_of(1)) + more + to_line(letter_of(2)) + torn);
        ::chmod(scratch.file.path().c_str(), 0640);
        std::vector<std::string> lines;
        const auto unreadable = scratch.file.visit(
            [&](const DeadLetter&, std::string_view line) { lines.emplace_back(line); });
        CHECK(unreadable == std::vector<std::size_t>{1, 2, 4, 5, 6, 7, 8, 9});
        REQUIRE(lines.size() == 3);
        CHECK(lines[1] + "\n" == more);
        CHECK(scratch.file.remove_if([](const DeadLetter& letter, auto) {
            return letter.run == "5f1c0e9a" && letter.id == 2;
        }) == 1);
        CHECK(scratch.text() == odd + to_line(letter_of(1)) + more + torn);
        CHECK(scratch.file.remove_if([](const auto&, auto) { return true; }) == 2);
        CHECK(scratch.text() == odd + torn);
        struct stat info {};
        REQUIRE(::stat(scratch.file.path().c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0640);
        const auto inode = info.st_ino;
        CHECK(scratch.file.remove_if([](const auto&, auto) { return true; }) == 0);
        REQUIRE(::stat(scratch.file.path().c_str(), &info) == 0);
        CHECK(info.st_ino == inode);
    }

    TEST_CASE("dead letters: a removal killed at any moment leaves all or what stays") {
        const Scratch scratch;
        std::vector<DeadLetter> letters;
        for (std::uint64_t id = 1; id <= 100; ++id) {
            letters.push_back(letter_of(id, std::string(2000, 'x')));
        }
        for (int round = 0; round < 60; ++round) {
            std::filesystem::remove(scratch.file.path());
            REQUIRE(scratch.file.try_append(letters));
            const pid_t pid = fork_to_die([&] {
                static_cast<void>(scratch.file.remove_if(
                    [](const DeadLetter& letter, auto) { return letter.id % 2 == 0; }));
            });
            std::this_thread::sleep_for(round * 50us);
            ::kill(pid, SIGKILL);
            CHECK(was_killed(pid));
            const auto left = scratch.file.read().size();
            CHECK((left == 100 || left == 50));
            CHECK(scratch.append(letter_of(1000)));
        }
    }

    TEST_CASE("dead letters: two that append and one that removes, each letter is there once") {
        constexpr std::uint64_t kEach = 150;
        const Scratch scratch;
        std::vector<pid_t> appenders;
        for (std::uint64_t number = 0; number < 2; ++number) {
            appenders.push_back(fork_to_die([&] {
                for (std::uint64_t id = 1; id <= kEach; ++id) {
                    append_until_in(scratch.file, letter_of(number * kEach + id));
                }
            }));
        }
        std::map<std::uint64_t, int> seen;
        const auto take_even = [&] {
            std::vector<std::uint64_t> taken;
            scratch.file.remove_if([&](const DeadLetter& letter, auto) {
                if (letter.id % 2 == 0) {
                    taken.push_back(letter.id);
                }
                return letter.id % 2 == 0;
            });
            for (const std::uint64_t id : taken) {
                ++seen[id];
            }
        };
        while (seen.size() < kEach / 2) {
            take_even();
        }
        for (const pid_t pid : appenders) {
            CHECK(was_killed(pid));
        }
        take_even();
        for (const DeadLetter& letter : scratch.file.read()) {
            ++seen[letter.id];
        }
        CHECK(seen.size() == 2 * kEach);
        CHECK(std::ranges::all_of(seen, [](const auto& entry) { return entry.second == 1; }));
    }

    TEST_CASE("dead letters: a file that was moved away is left, and the next letter makes one") {
        const Scratch scratch;
        REQUIRE(scratch.append(letter_of(1)));
        std::filesystem::rename(scratch.file.path(), scratch.directory.path() / "old");
        REQUIRE(scratch.append(letter_of(2)));
        CHECK(scratch.text() == to_line(letter_of(2)));
        std::filesystem::remove_all(scratch.file.path().parent_path());
        REQUIRE(scratch.append(letter_of(3)));
        CHECK(scratch.text() == to_line(letter_of(3)));
    }

    TEST_CASE("dead letters: what is no regular file is refused at once, whatever it is") {
        const Scratch scratch;
        const auto path = scratch.file.path();
        std::filesystem::create_directories(path.parent_path());
        const auto check_refused = [&] {
            const auto is_named = [&](auto&& call) {
                try {
                    call();
                    return false;
                } catch (const Failure& failure) {
                    return failure.code() == ExitCode::cannot_create &&
                           std::string(failure.what()).find(path.string()) != std::string::npos;
                }
            };
            CHECK(is_named([&] { static_cast<void>(scratch.append(letter_of(1))); }));
            CHECK(is_named([&] { scratch.file.read(); }));
            CHECK(is_named([&] {
                static_cast<void>(scratch.file.remove_if([](const auto&, auto) { return true; }));
            }));
            std::filesystem::remove(path);
        };
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        check_refused();
        std::filesystem::create_directory(path);
        check_refused();
        std::filesystem::create_symlink("/dev/full", path);
        check_refused();
        std::filesystem::create_symlink(scratch.directory.path() / "elsewhere", path);
        check_refused();
        CHECK_FALSE(std::filesystem::exists(scratch.directory.path() / "elsewhere"));
    }
}
