#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "source_intake_body.hpp"
#include "tracked_steps.hpp"

namespace drainpipe::test {
namespace {

using namespace std::chrono_literals;
using Clock = SourceIntake::Clock;
using Known = SourceIntake::Known;

// The ring without an intake's loop around it: accepts what there is room for, and waits for none.
class DirectAcceptor final : public Source::Acceptor {
  public:
    explicit DirectAcceptor(Segment& segment) : writer_(segment) {}

    std::size_t accept(std::span<const std::string_view> payloads,
                       Source::Clock::time_point) override {
        return writer_.push(payloads).count;
    }
    std::size_t accept_records(const Source::Records&, Source::Clock::time_point) override {
        return 0;
    }
    bool is_over() const override { return is_closing; }

    std::atomic<bool> is_closing{false};

  private:
    RingWriter writer_;
};

// An intake on a segment of its own.
class ScratchIntake {
  public:
    ScratchIntake(const std::string& what, std::uint64_t capacity, std::uint64_t buffer_bytes)
        : scratch_(what, tracked_geometry(capacity, buffer_bytes), tracked_settings()),
          acceptor_(scratch_.get()),
          body_(scratch_.get(), acceptor_,
                {.endpoint = {},
                 .is_over = [this](const SourceIntakeBody&) { return is_over.load(); },
                 .is_giving_back = [this] { return is_giving_back.load(); },
                 .info = {},
                 .warn = {},
                 .refuse = {},
                 .closing_fd = -1}) {}

    SourceIntakeBody& operator*() { return body_; }
    SourceIntakeBody* operator->() { return &body_; }
    Segment& segment() { return scratch_.get(); }
    DirectAcceptor& acceptor() { return acceptor_; }

    // Does the oldest events that wait.
    void do_events(std::uint64_t count) {
        Delivery reader(segment());
        const Delivery::Chunk chunk = reader.turn(0, count, count);
        begin_tries(reader, chunk);
        for (const std::uint64_t event : events_of(chunk)) {
            reader.done({event, event + 1});
        }
        reader.commit(0);
        reader.leave();
    }

    std::atomic<bool> is_over{false};
    std::atomic<bool> is_giving_back{false};

  private:
    ScratchSegment scratch_;
    DirectAcceptor acceptor_;
    SourceIntakeBody body_;
};

std::vector<std::uint64_t> ids_of(const std::vector<HeldEvent>& events) {
    std::vector<std::uint64_t> ids;
    for (const HeldEvent& event : events) {
        ids.push_back(event.id);
    }
    return ids;
}

}  // namespace

TEST_SUITE("source_intake") {
    TEST_CASE("source_intake: room is what the unsettled leave, of events and of bytes") {
        ScratchIntake intake("room", 4, 1000);
        CHECK(intake->room().events == 4);
        CHECK(intake->room().bytes == 1000);
        const std::string payload(100, 'x');
        CHECK(intake->push({{.payload = payload, .key = 1, .token = "t1", .attributes = {}},
                            {.payload = payload, .key = 2, .token = "t2", .attributes = {}}}) == 2);
        constexpr std::uint64_t kEach = 100 + 2 + sizeof(Trailer);
        CHECK(intake->room().events == 2);
        CHECK(intake->room().bytes == 1000 - 2 * kEach);

        intake.do_events(2);
        CHECK(intake->room().events == 2);
        intake->settle(ids_of(intake->wait_for_fates(Clock::now())));
        CHECK(intake->room().events == 4);
        CHECK(intake->room().bytes == 1000);
    }

    TEST_CASE("source_intake: the largest message gets in, and of a larger one none is in") {
        ScratchIntake intake("largest", 4, 500);
        const std::string largest(intake->largest() - 3, 'x');
        CHECK(intake->push({{.payload = largest, .key = 1, .token = "abc", .attributes = {}}}) ==
              1);
        intake.do_events(1);
        intake->settle(ids_of(intake->wait_for_fates(Clock::now())));
        const std::string larger = largest + "x";
        CHECK_THROWS_AS(
            intake->push({{.payload = "small", .key = 2, .token = {}, .attributes = {}},
                          {.payload = larger, .key = 3, .token = "abc", .attributes = {}}}),
            std::length_error);
        CHECK(intake->find(2) == Known::no);
        CHECK(intake->held().empty());
    }

    TEST_CASE("source_intake: what is accepted no more is not counted as redelivered") {
        ScratchIntake intake("redelivered", 2, 1000);
        const Message message{
            .payload = "x", .key = 1, .token = {}, .attributes = {}, .is_redelivered = true};
        CHECK(intake->push({message, message, message}) == 2);
        CHECK(intake.segment().header().redelivered_by_source.load() == 2);
        intake.acceptor().is_closing = true;
        CHECK(intake->push({message}) == 0);
        CHECK(intake.segment().header().redelivered_by_source.load() == 2);
    }

    TEST_CASE("source_intake: a key is held, then settled, and free again when it was given back") {
        ScratchIntake intake("keys", 8, 1000);
        CHECK(intake->push({{.payload = "a", .key = 7, .token = "ta", .attributes = {}},
                            {.payload = "b", .key = 8, .token = "tb", .attributes = {}}}) == 2);
        CHECK(intake->find(7) == Known::held);
        CHECK(intake->find(9) == Known::no);
        intake.do_events(1);
        CHECK(intake->find(7) == Known::held);
        intake->settle(ids_of(intake->wait_for_fates(Clock::now())));
        CHECK(intake->find(7) == Known::settled);

        intake.is_giving_back = true;
        intake->withdraw({});
        const std::vector<HeldEvent> fates = intake->wait_for_fates(Clock::now());
        REQUIRE(fates.size() == 1);
        CHECK(fates[0].id == 2);
        CHECK(fates[0].token == "tb");
        CHECK(fates[0].fate == Fate::given_back);
        CHECK(intake->find(8) == Known::no);
        CHECK(intake->has_to_settle());
        intake->settle({2});
        CHECK_FALSE(intake->has_to_settle());
    }

    TEST_CASE(
        "source_intake: waiting for fates ends with one, with a change of the run, or in time") {
        ScratchIntake intake("wait", 8, 1000);
        static_cast<void>(intake->wait_for_fates(Clock::now()));  // how it stands at first
        const Clock::time_point begun_at = Clock::now();
        CHECK(intake->wait_for_fates(begun_at + 20ms).empty());
        CHECK(Clock::now() >= begun_at + 20ms);

        CHECK(intake->push({{.payload = "a", .key = 7, .token = "ta", .attributes = {}}}) == 1);
        std::thread worker([&] { intake.do_events(1); });
        CHECK(ids_of(intake->wait_for_fates(Clock::now() + 20s)) == std::vector<std::uint64_t>{1});
        worker.join();

        const auto ends_at_once = [&](std::atomic<bool>& change) {
            std::thread changer([&] {
                change = true;
                intake.segment().header().room_available.notify_always();
            });
            const Clock::time_point before = Clock::now();
            CHECK(intake->wait_for_fates(before + 20s).empty());
            CHECK(Clock::now() < before + 10s);
            changer.join();
        };
        ends_at_once(intake.acceptor().is_closing);
        ends_at_once(intake.is_giving_back);
        ends_at_once(intake.is_over);
    }
}

}  // namespace drainpipe::test
