#include "segment.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "delivery.hpp"
#include "inspection.hpp"
#include "ring_writer.hpp"
#include "scratch_segment.hpp"

using namespace drainpipe;
using drainpipe::test::scratch_name;
using drainpipe::test::ScratchSegment;
using drainpipe::test::settings_for;

namespace {

// Something else at a segment's path, gone with the test.
class Stranger {
  public:
    explicit Stranger(const std::string& what)
        : name(scratch_name(what)), path(segment_path(name)) {}
    ~Stranger() { std::filesystem::remove(path); }

    std::string name;
    std::string path;
};

void push(Segment& segment, std::string_view payload) {
    RingWriter writer(segment);
    REQUIRE(writer.push(std::array{payload}).outcome == RingWriter::Outcome::pushed);
}

}  // namespace

TEST_SUITE("segment") {
    TEST_CASE("segment: of two that make one of the same name at once, one is turned away") {
        const ScratchSegment scratch("both", 8, 100);
        CHECK_THROWS_AS(Segment::make(scratch.name(), Geometry::of(8, 100)), SegmentTaken);
        CHECK(inspect_segment(scratch.name()) == Standing::ready);
    }

    TEST_CASE("segment: it is its owner's alone and wholly reserved, whatever the umask") {
        const mode_t mask = ::umask(0);
        ScratchSegment scratch("mode", 1000, 100000);
        ::umask(mask);
        struct stat info {};
        REQUIRE(::stat(segment_path(scratch.name()).c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0600);
        CHECK(static_cast<std::size_t>(info.st_size) == scratch.header().geometry.segment_bytes());
        CHECK(info.st_blocks * 512 >= info.st_size);
    }

    TEST_CASE("segment: a second mapping sees what the first one wrote, once round the buffer") {
        ScratchSegment scratch("mapping", 4, 4096);
        const Segment other = Segment::open(scratch.name());
        scratch.get().write_payload(4095, "lf");
        CHECK(other.bytes_at(4095)[0] == 'l');
        CHECK(other.bytes_at(0)[0] == 'f');
    }

    TEST_CASE("segment: a private one works, is at no name and leaves nothing in /dev/shm") {
        Segment moved = Segment::make_private(Geometry::of(4, 4096, kTypedAlignment));
        Segment segment = std::move(moved);
        std::ifstream file("/proc/self/maps");
        const std::string maps(std::istreambuf_iterator<char>(file), {});
        CHECK(maps.find("memfd:drainpipe") != std::string::npos);
        CHECK(maps.find("/dev/shm/") == std::string::npos);
        segment.begin_run(settings_for(1));
        push(segment, "abc");
        push(segment, std::string(4000, 'x'));
        segment.validate();
        CHECK(segment.left() == 2);
        CHECK(segment.payload(1).size() == 4000);
        CHECK(segment.is_whole());
        CHECK_FALSE(segment.is_at(""));
        CHECK_FALSE(segment.is_at(scratch_name("private")));
        CHECK(segment.hold_as_launcher());
        CHECK_FALSE(segment.is_held_by_stage());
        segment.hold_as_stage();
        const Segment other = Segment::make_private(Geometry::of(4, 100));
        CHECK(other.identity() != segment.identity());
        CHECK(other.hold_as_launcher());
        CHECK(other.header().tail.load() == 0);
    }

    TEST_CASE("segment: absent, half made and ready are told apart") {
        CHECK(inspect_segment(scratch_name("absent")) == Standing::absent);
        const ScratchSegment scratch("ready", 4, 100);
        CHECK(inspect_segment(scratch.name()) == Standing::ready);

        const Stranger empty("empty");
        std::ofstream{empty.path};
        CHECK(inspect_segment(empty.name) == Standing::half_made);
        const Stranger zeros("zeros");
        std::ofstream{zeros.path} << std::string(100000, '\0');
        CHECK(inspect_segment(zeros.name) == Standing::half_made);
        const Stranger named("named");
        std::ofstream{named.path} << "DRAINPIP" << std::string(100000, '\0');
        CHECK(inspect_segment(named.name) == Standing::half_made);
    }

    TEST_CASE("segment: what is not ours is refused") {
        const Stranger garbage("garbage");
        std::ofstream{garbage.path} << "somebody's letters";
        CHECK_THROWS_AS(inspect_segment(garbage.name), SegmentRefused);
        const Stranger directory("directory");
        std::filesystem::create_directory(directory.path);
        CHECK_THROWS_AS(inspect_segment(directory.name), SegmentRefused);
        const Stranger link("link");
        std::filesystem::create_symlink("/dev/null", link.path);
        CHECK_THROWS_AS(inspect_segment(link.name), SegmentRefused);
        const Stranger fifo("fifo");
        REQUIRE(::mkfifo(fifo.path.c_str(), 0600) == 0);
        CHECK_THROWS_AS(inspect_segment(fifo.name), SegmentRefused);
    }

    TEST_CASE("segment: another layout, or a size that is not the header's, is refused") {
        ScratchSegment scratch("layout", 4, 100);
        scratch.header().version.store(kLayoutVersion + 1);
        CHECK_THROWS_AS(inspect_segment(scratch.name()), SegmentRefused);
        scratch.header().version.store(kLayoutVersion);
        REQUIRE(::truncate(segment_path(scratch.name()).c_str(), 50000) == 0);
        CHECK_THROWS_AS(inspect_segment(scratch.name()), SegmentRefused);
    }

    TEST_CASE("segment: cursors and slots are checked before anybody trusts them") {
        ScratchSegment scratch("damage", 4, 100);
        push(scratch.get(), "abc");
        push(scratch.get(), "de");
        scratch.get().validate();

        Header& header = scratch.header();
        for (const std::uint32_t end : {1000u, 2u}) {  // too large, before where it begins
            scratch.get().set_slot(1, {.end = end});
            CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
        }
        scratch.get().set_slot(1, {.end = 5});
        scratch.get().validate();
        header.head.store(3);
        CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
        header.head.store(0);
        header.tail.store(9);
        CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
        header.tail.store(2);
        Ledger& ledger = header.ledgers[header.ledger_changes.load() % 2];
        ledger.given_end = 3;
        CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
        ledger.given_end = 0;
        ledger.is_broadcast = 1;
        ledger.consumer_states[0].committed = 3;
        CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
        ledger.is_broadcast = 0;
        std::memset(reinterpret_cast<char*>(&header) + header.geometry.states_offset(), 0xff, 1);
        CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
    }

    TEST_CASE("segment: payloads with padding between them are checked as they lie") {
        ScratchSegment scratch("padded", 16, 100, settings_for(1), 16);
        for (int count = 0; count < 7; ++count) {
            push(scratch.get(), "x");
        }
        CHECK(scratch.get().slot(6).end == 97);
        scratch.get().validate();
        for (const std::uint32_t end : {96u, 100u}) {  // empty, and to the buffer's last byte
            scratch.get().set_slot(6, {.end = end});
            scratch.get().validate();
        }
        for (const std::uint32_t end : {82u, 95u, 101u}) {  // in the padding before it, too far
            scratch.get().set_slot(6, {.end = end});
            CHECK_THROWS_WITH_AS(scratch.get().validate(),
                                 "the segment is damaged: the slot of event id=7", SegmentRefused);
        }
    }

    TEST_CASE(
        "segment: events that go on at the first slot are checked and begun again as others") {
        ScratchSegment scratch("wrap", 4, 100);  // eight slots
        for (int count = 0; count < 6; ++count) {
            push(scratch.get(), "gone");
            Delivery reader(scratch.get());
            const auto chunk = reader.turn(0, 1, 1);
            reader.begin(chunk.ranges[0]);
            reader.commit(1);
        }
        Delivery reader(scratch.get());
        for (int count = 0; count < 4; ++count) {
            push(scratch.get(), "here");
        }
        for (const EventRange& range : reader.turn(0, 4, 4).ranges) {
            reader.begin(range);
        }
        scratch.get().validate();
        for (std::uint64_t event = 6; event < 10; ++event) {
            CAPTURE(event);
            const Slot sound = scratch.get().slot(event);
            const EventState state = scratch.get().states().at(event);
            scratch.get().set_slot(event, {.end = sound.end + 1000});
            CHECK_THROWS_WITH_AS(
                scratch.get().validate(),
                ("the segment is damaged: the slot of event id=" + std::to_string(event + 1))
                    .c_str(),
                SegmentRefused);
            scratch.get().set_slot(event, sound);
            scratch.get().states().set(event, EventState::done(CompletionKind{60}));
            CHECK_THROWS_AS(scratch.get().validate(), SegmentRefused);
            scratch.get().states().set(event, state);
        }
        scratch.get().begin_run(settings_for(1));
        CHECK(read_ledger(scratch.header()).redelivered == 4);
        for (std::uint64_t event = 6; event < 10; ++event) {
            CHECK(scratch.get().states().at(event) == EventState::waiting(0));
        }
        CHECK(scratch.get().left() == 4);
    }

    TEST_CASE("segment: what is left is counted within the ring, whatever the tail has come to") {
        ScratchSegment scratch("left", 4, 100);
        push(scratch.get(), "one");
        CHECK(scratch.get().left() == 1);
        // As if the head had been read long ago.
        scratch.header().tail.store(std::uint64_t{1} << 40);
        CHECK(scratch.get().left() == scratch.header().geometry.slots);
    }

    TEST_CASE("segment: a run begins on what an earlier one left, with nothing in flight") {
        ScratchSegment scratch("run", 4, 100);
        push(scratch.get(), "abc");
        Header& header = scratch.header();
        Delivery reader(scratch.get());
        CHECK(reader.turn(0, 4, 4).size() == 1);
        CHECK(scratch.get().states().at(0) == EventState::given(0));
        header.intake_closed.store(1);
        header.phase.store(Phase::draining);
        scratch.get().begin_run(settings_for(1));
        CHECK(header.tail.load() == 1);
        CHECK(scratch.get().states().at(0) == EventState::waiting(0));
        CHECK(read_ledger(header).given_end == 0);
        CHECK(header.intake_closed.load() == 0);
        CHECK(header.phase.load() == Phase::running);
    }
}
