#include "file_source.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "failure.hpp"
#include "scratch_directory.hpp"

using namespace drainpipe;
using namespace drainpipe::test;

namespace {

using TextLines = std::vector<std::string>;

// A ring that takes so many more payloads.
class TestRing final : public Source::Acceptor {
  public:
    std::size_t accept(std::span<const std::string_view> payloads,
                       Source::Clock::time_point /*until*/) override {
        std::size_t accepted = 0;
        for (; accepted < payloads.size() && room > 0; ++accepted, --room) {
            lines.emplace_back(payloads[accepted]);
        }
        is_over_ = accepted < payloads.size();
        return accepted;
    }
    std::size_t accept_records(const Source::Records& /*records*/,
                               Source::Clock::time_point /*until*/) override {
        return 0;
    }
    bool is_over() const override { return is_over_; }

    TextLines lines;
    std::size_t room = std::numeric_limits<std::size_t>::max();

  private:
    bool is_over_ = false;
};

// A file with this text, read from its beginning.
class TextFile {
  public:
    explicit TextFile(const std::string& text) : path_(directory_.path() / "lines") {
        std::ofstream(path_, std::ios::binary) << text;
    }

    FileSource source(std::uint64_t accepted = 0, std::uint64_t largest = 1 << 20) {
        return FileSource({.file = Descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)),
                           .name = "FILE",
                           .accepted = accepted,
                           .largest_payload = largest,
                           .has_ended = false,
                           .on_end = [this](std::uint64_t lines) { ended_with = lines; }});
    }

    // What the source puts in a ring until it has ended.
    TextLines read(std::uint64_t accepted = 0) {
        FileSource source = this->source(accepted);
        TestRing ring;
        while (source.wait_fd() >= 0) source.serve(ring);
        return ring.lines;
    }

    std::optional<std::uint64_t> ended_with;

  private:
    ScratchDirectory directory_;
    std::filesystem::path path_;
};

TextLines counted_lines(int first, int last) {
    TextLines lines;
    for (int number = first; number <= last; ++number) lines.push_back(std::to_string(number));
    return lines;
}

std::string text_of(const TextLines& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

// What it ends with; empty when it does not.
std::string fault_of(FileSource& source, TestRing& ring, ExitCode code) {
    try {
        while (source.wait_fd() >= 0) source.serve(ring);
    } catch (const Failure& failure) {
        CHECK(failure.code() == code);
        return failure.what();
    }
    return {};
}

}  // namespace

TEST_SUITE("file_source") {
    TEST_CASE("file source: a last line without a newline is a line, and so is an empty one") {
        for (const auto& each : std::vector<std::pair<std::string, TextLines>>{
                 {"", {}},
                 {"\n", {""}},
                 {"a", {"a"}},
                 {"a\n", {"a"}},
                 {"\na\n\n\nb", {"", "a", "", "", "b"}}}) {
            const std::string& text = each.first;
            const TextLines& lines = each.second;
            CAPTURE(text);
            TextFile file(text);
            CHECK(file.read() == lines);
            CHECK(file.ended_with == lines.size());
        }
    }

    TEST_CASE("file source: lines of many blocks come in order, those across two are whole") {
        const TextLines lines = counted_lines(1, 200'000);
        TextFile file(text_of(lines));
        CHECK(file.read() == lines);
        CHECK(file.ended_with == 200'000);
    }

    TEST_CASE("file source: a line of several blocks is one payload") {
        const std::string longest(1 << 20, 'x');
        TextFile file("a\n" + longest + "\nb\n" + longest);
        CHECK(file.read() == TextLines{"a", longest, "b", longest});
    }

    TEST_CASE("file source: what was accepted is skipped, to the line") {
        const TextLines lines = counted_lines(1, 100'000);
        TextFile file(text_of(lines));
        for (const int accepted : {1, 2, 44'443, 77'777, 99'999, 100'000}) {
            CAPTURE(accepted);
            CHECK(file.read(static_cast<std::uint64_t>(accepted)) ==
                  counted_lines(accepted + 1, 100'000));
            CHECK(file.ended_with == 100'000);
        }
        TextFile open_end("a\n\nb");
        CHECK(open_end.read(2) == TextLines{"b"});
        CHECK(open_end.read(3) == TextLines{});
        CHECK(open_end.ended_with == 3);
    }

    TEST_CASE("file source: a file with fewer lines than were accepted is refused") {
        for (const std::string text : {"", "a", "a\n", "a\nb", "a\n\n"}) {
            CAPTURE(text);
            TextFile file(text);
            FileSource source = file.source(3);
            TestRing ring;
            const std::string fault = fault_of(source, ring, ExitCode::cannot_create);
            CHECK(fault.starts_with("FILE has only "));
            CHECK(ring.lines.empty());
            CHECK_FALSE(file.ended_with);
        }
    }

    TEST_CASE("file source: a line that is too long is named, those before it are in") {
        for (const std::string end : {"", "\n", "\nd\n"}) {
            TextFile file("a\nb\nc\n" + std::string(600'000, 'x') + end);
            FileSource source = file.source(1, 500'000);
            TestRing ring;
            const std::string fault = fault_of(source, ring, ExitCode::io);
            CHECK(fault ==
                  "FILE line 4 has 600000 bytes, and the buffer holds 500000: the lines before it "
                  "are accepted; start again with --buffer-size 600000 or more");
            CHECK(ring.lines == TextLines{"b", "c"});
            CHECK_FALSE(file.ended_with);
        }
    }

    TEST_CASE("file source: where nothing is accepted any more it has not ended") {
        TextFile file("a\nb");
        FileSource source = file.source();
        TestRing ring;
        ring.room = 1;
        source.serve(ring);
        source.serve(ring);
        CHECK(ring.lines == TextLines{"a"});
        CHECK_FALSE(file.ended_with);
    }

    TEST_CASE("file source: a pipe is read when it has something, and ends with its writer") {
        Pipe pipe = make_pipe();
        std::optional<std::uint64_t> lines;
        FileSource source({.file = std::move(pipe.read_end),
                           .name = "standard input",
                           .accepted = 0,
                           .largest_payload = 100,
                           .has_ended = false,
                           .on_end = [&](std::uint64_t count) { lines = count; }});
        TestRing ring;
        source.serve(ring);
        CHECK(ring.lines.empty());
        write_all(pipe.write_end.get(), "a\nb");
        source.serve(ring);
        source.serve(ring);
        CHECK(ring.lines == TextLines{"a"});
        write_all(pipe.write_end.get(), "c\nd");
        source.serve(ring);
        CHECK(ring.lines == TextLines{"a", "bc"});
        pipe.write_end.reset();
        pollfd end{source.wait_fd(), POLLIN, 0};
        CHECK(::poll(&end, 1, 0) == 1);
        source.serve(ring);
        CHECK(ring.lines == TextLines{"a", "bc", "d"});
        CHECK(lines == 3);
        CHECK(source.wait_fd() == -1);
    }
}
