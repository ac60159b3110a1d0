// The audit itself: a story that adds up passes, and no loss, repeat or wrong number gets by.

#include "harness/audit.hpp"

#include <doctest/doctest.h>

#include "harness/expect.hpp"

using namespace harness;

namespace {

constexpr std::string_view kLauncher = "2026-11-22T17:40:01.123456Z [10] [launcher] [info] ";
constexpr std::string_view kProducer = "2026-11-22T17:40:01.123456Z [11] [producer] [info] ";
constexpr std::string_view kConsumer = "2026-11-22T17:40:01.123456Z [12] [consumer] [info] ";
constexpr std::string_view kOutput = "1\n2\n3\n4\n";

std::string line(std::string_view start, std::string_view message) {
    return std::string(start) + std::string(message) + "\n";
}

// A run of four events, two of them after the stop.
std::string good_story() {
    return line(kLauncher, "ready name=x launcher=10 producer=11 consumer=12") +
           line(kConsumer, "processed id=1 payload=1") +
           line(kConsumer, "processed id=2 payload=2") +
           line(kLauncher, "stopping reason=SIGTERM grace=10s") +
           line(kProducer, "intake closed accepted=4") +
           line(kConsumer, "terminating in_flight=1 buffered=1") +
           line(kConsumer, "emptied id=3 payload=3") + line(kConsumer, "drained id=4 payload=4") +
           line(kConsumer, "drained all") +
           line(kLauncher,
                "summary accepted=4 processed=2 emptied=1 drained=1 left=0 redelivered=0");
}

// The story with one passage replaced.
std::string story_with(std::string_view passage, std::string_view replacement) {
    auto story = good_story();
    const auto at = story.find(passage);
    REQUIRE(at != std::string::npos);
    return story.replace(at, passage.size(), replacement);
}

std::string fault_of(const std::string& story, std::string_view output = kOutput) {
    return fault_of_run(RecordLog(story), output);
}

EventRecord event(std::uint64_t id, std::uint64_t attempt = 1) {
    return {Kind::processed, id, {}, attempt, 12};
}

TEST_SUITE("audit") {
    TEST_CASE("audit: a run that adds up has no fault") { CHECK(fault_of(good_story()) == ""); }

    TEST_CASE("audit: a lost, repeated or misplaced event is a fault") {
        CHECK(fault_of(story_with(line(kConsumer, "processed id=2 payload=2"), "")) != "");
        CHECK(fault_of(story_with("drained id=4 payload=4", "drained id=3 payload=3")) != "");
        CHECK(fault_of(story_with("processed id=2", "emptied id=2")) != "");
        CHECK(fault_of(story_with("emptied id=3 payload=3", "drained id=3 payload=3")) != "");
        CHECK(fault_of(story_with("payload=3", "payload=9")) != "");
        CHECK(fault_of(story_with("payload=3", "attempt=2 payload=3")) != "");
    }

    TEST_CASE("audit: a lost, repeated or torn line of output is a fault") {
        CHECK(fault_of(good_story(), "1\n2\n4\n") != "");
        CHECK(fault_of(good_story(), "1\n2\n3\n3\n4\n") != "");
        CHECK(fault_of(good_story(), "1\n2\n3\n4") != "");
        CHECK(fault_of(good_story(), "1\n3\n2\n4\n") != "");
    }

    TEST_CASE("audit: a number that is off by one is a fault") {
        CHECK(fault_of(story_with("accepted=4 processed", "accepted=5 processed")) != "");
        CHECK(fault_of(story_with("processed=2", "processed=3")) != "");
        CHECK(fault_of(story_with("left=0", "left=1")) != "");
        CHECK(fault_of(story_with("redelivered=0", "redelivered=1")) != "");
        CHECK(fault_of(story_with("closed accepted=4", "closed accepted=3")) != "");
        CHECK(fault_of(story_with("in_flight=1", "in_flight=2")) != "");
        CHECK(fault_of(story_with("buffered=1", "buffered=2")) != "");
    }

    TEST_CASE("audit: a line that is no whole record is a fault, with its number") {
        CHECK(contains(fault_of(story_with("processed id=2", "proc\nessed id=2")), "line 4"));
        CHECK(contains(fault_of(story_with("01.123456Z [10] [l", "01.123Z [10] [l")), "line 1"));
        CHECK(contains(fault_of(good_story() + "2026-11"), "line 11"));
        CHECK(contains(fault_of(story_with("payload=1", "payload=\t")), "line 2"));
    }

    TEST_CASE("audit: an event may be delivered again only with a higher attempt") {
        CHECK(fault_of_redelivery({event(1), event(2), event(2, 2), event(3)}, 1, 3) == "");
        CHECK(fault_of_redelivery({event(1), event(2, 2), event(3)}, 1, 3) == "");
        CHECK(fault_of_redelivery({event(1), event(2), event(2), event(3)}, 1, 3) != "");
        CHECK(fault_of_redelivery({event(1), event(3)}, 1, 3) != "");
        CHECK(fault_of_redelivery({event(1), event(2)}, 1, 3) != "");
    }

    TEST_CASE("audit: a payload may be put out again only when its event is marked") {
        CHECK(fault_of_repeats({event(2, 2)}, "1\n2\n2\n3\n", 1, 3) == "");
        CHECK(fault_of_repeats({event(3, 2)}, "1\n2\n2\n3\n", 1, 3) != "");
        CHECK(fault_of_repeats({}, "1\n3\n", 1, 3) != "");
        CHECK(fault_of_repeats({}, "1\n2\n3\n12\n", 1, 3) != "");
    }

    TEST_CASE("audit: each client's payloads come in its order, as many as it got in") {
        const std::vector<Client> clients = {{"a-", 2}, {"b-", 1}};
        CHECK(fault_of_clients(clients, "a-1\nb-1\na-2\n") == "");
        CHECK(fault_of_clients(clients, "a-2\nb-1\na-1\n") != "");
        CHECK(fault_of_clients(clients, "a-1\nb-1\n") != "");
        CHECK(fault_of_clients(clients, "a-1\na-2\na-3\nb-1\n") != "");
        CHECK(fault_of_clients(clients, "a-1\na-2\nb-1\nc-1\n") != "");
    }
}

}  // namespace
