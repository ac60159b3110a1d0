#include "large_turn.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

using namespace drainpipe;

namespace {

// A client and the other end of its connection.
struct Connected {
    Connected() : Connected(make_ends()) {}

    // The client reads an unfinished line of that many bytes, or the newline that ends it.
    void send(const std::string& bytes) {
        write_all(far_end.get(), bytes);
        std::vector<char> scratch(bytes.size());
        lines.clear();
        client.read(scratch, lines);
    }

    Descriptor far_end;
    Client client;
    std::vector<wire::LineSplitter::Line> lines;

  private:
    static std::array<int, 2> make_ends() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
        return ends;
    }
    explicit Connected(std::array<int, 2> ends)
        : far_end(ends[0]), client(Descriptor(ends[1]), 1 << 20) {}
};

const std::string kLarge(100 * 1024, 'x');

}  // namespace

TEST_SUITE("large_turn") {
    TEST_CASE("large payloads: one client at a time, the others held in order, small ones never") {
        const LargeTurn::Clock::time_point now{};
        LargeTurn turn;
        Connected first;
        Connected second;
        Connected third;
        Connected small;
        for (Connected* each : {&first, &second, &third}) {
            each->send(kLarge);
            CHECK(turn.after_read(each->client, now) == nullptr);
        }
        small.send("small");
        CHECK(turn.after_read(small.client, now) == nullptr);
        CHECK(turn.holder() == &first.client);
        CHECK(first.client.may_be_read());
        CHECK_FALSE(second.client.may_be_read());
        CHECK_FALSE(third.client.may_be_read());
        CHECK(small.client.may_be_read());

        first.send("\n");
        CHECK(turn.after_read(first.client, now) == &second.client);
        CHECK(second.client.may_be_read());
        CHECK(turn.forget(second.client, now) == &third.client);
        CHECK_FALSE(turn.has_waiting());
    }

    TEST_CASE("large payloads: time in which the intake did not run is not the holder's") {
        using namespace std::chrono_literals;
        const LargeTurn::Clock::time_point begin{};
        LargeTurn turn;
        Connected first;
        Connected second;
        for (Connected* each : {&first, &second}) {
            each->send(kLarge);
            CHECK(turn.after_read(each->client, begin) == nullptr);
        }
        turn.leave_out_frozen_time(begin + LargeTurn::kTimeout);
        CHECK(turn.deadline() == begin + LargeTurn::kTimeout);  // in time: it stalls
        turn.leave_out_frozen_time(begin + 60s);
        CHECK(turn.deadline() == begin + 60s + LargeTurn::kTimeout);
    }

    TEST_CASE("large payloads: the one that has the turn keeps it while it sends enough") {
        const LargeTurn::Clock::time_point now{};
        LargeTurn turn;
        Connected first;
        Connected second;
        first.send(kLarge);
        turn.after_read(first.client, now);
        const auto later = now + 10 * LargeTurn::kTimeout;  // nobody waits: it has all the time
        second.send(kLarge);
        turn.after_read(second.client, later);
        REQUIRE(turn.has_waiting());
        CHECK(turn.deadline() == later + LargeTurn::kTimeout);
        first.send("trickle");
        turn.after_read(first.client, later + LargeTurn::kTimeout / 2);
        CHECK(turn.deadline() == later + LargeTurn::kTimeout);
        first.send(std::string(LargeTurn::kMinBytes, 'y'));
        turn.after_read(first.client, later + LargeTurn::kTimeout);
        CHECK(turn.deadline() == later + 2 * LargeTurn::kTimeout);
        turn.begin_anew(later + 3 * LargeTurn::kTimeout);
        CHECK(turn.deadline() == later + 4 * LargeTurn::kTimeout);
    }
}
