#include "demand_window.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using drainpipe::DemandWindow;
using Counts = std::vector<std::uint64_t>;

namespace {

struct Served {
    Counts asks;
    Counts chunks;
};

constexpr std::uint64_t kWhole = 0;

// A source that answers each ask whole, or with deliveries of `delivery` events as long as there is
// demand for them; each is handled in chunks, until `asks` asks were made.
Served serve(std::int64_t max, std::int64_t min, std::uint64_t delivery, std::size_t asks) {
    DemandWindow window(max, min);
    Served served;
    served.asks.push_back(window.first_ask(0));
    std::deque<std::uint64_t> unanswered{served.asks.back()};
    std::uint64_t demand = unanswered.back();
    while (served.asks.size() < asks) {
        std::uint64_t delivered = unanswered.front();
        if (delivery == kWhole) {
            unanswered.pop_front();
        } else {
            delivered = std::min(delivery, demand);
        }
        demand -= delivered;
        while (delivered > 0) {
            const std::uint64_t chunk = std::min(delivered, window.chunk_limit());
            delivered -= chunk;
            served.chunks.push_back(chunk);
            if (const std::uint64_t asked = window.handled(chunk); asked > 0) {
                served.asks.push_back(asked);
                unanswered.push_back(asked);
                demand += asked;
            }
        }
    }
    return served;
}

Counts first(const Counts& counts, std::size_t count) {
    return {counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::string refusal(std::int64_t max, std::int64_t min) {
    try {
        DemandWindow window(max, min);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_SUITE("demand_window") {
    TEST_CASE("demand: by default one ask of 1000 and two handler calls of 500") {
        const Served served = serve(1000, 500, kWhole, 3);
        CHECK(served.asks.front() == 1000);
        CHECK(first(served.chunks, 2) == Counts{500, 500});
    }

    TEST_CASE("demand: fully served, asks and chunks are GenStage's") {
        CHECK(serve(10, 5, kWhole, 4).asks == Counts{10, 5, 5, 5});
        CHECK(first(serve(10, 5, kWhole, 4).chunks, 3) == Counts{5, 5, 5});
        CHECK(first(serve(100, 80, kWhole, 8).chunks, 5) == Counts{20, 20, 20, 20, 20});
        CHECK(first(serve(100, 20, kWhole, 6).asks, 4) == Counts{100, 80, 100, 80});
        CHECK(first(serve(100, 20, kWhole, 7).chunks, 6) == Counts{80, 20, 80, 80, 20, 80});
        CHECK(first(serve(1, 0, kWhole, 5).chunks, 4) == Counts{1, 1, 1, 1});
    }

    TEST_CASE("demand: served in parts, the next ask comes when min or fewer are pending") {
        CHECK(serve(10, 5, 3, 3).asks == Counts{10, 6, 6});
        CHECK(serve(1000, 750, 100, 2).asks == Counts{1000, 300});
        CHECK(serve(1000, 750, 100, 2).chunks == Counts{100, 100, 100});
    }

    TEST_CASE("demand: asked minus handled never exceeds max, every ask is from max - min to max") {
        std::mt19937_64 random(7);
        for (int round = 0; round < 200; ++round) {
            const std::int64_t max = std::uniform_int_distribution<std::int64_t>(1, 50)(random);
            const std::int64_t min =
                std::uniform_int_distribution<std::int64_t>(0, max - 1)(random);
            DemandWindow window(max, min);
            std::uint64_t pending = window.first_ask(0);
            for (int step = 0; step < 200; ++step) {
                const std::uint64_t chunk = std::uniform_int_distribution<std::uint64_t>(
                    1, std::min(pending, window.chunk_limit()))(random);
                const std::uint64_t asked = window.handled(chunk);
                pending = pending - chunk + asked;
                REQUIRE(pending > 0);
                REQUIRE(pending <= static_cast<std::uint64_t>(max));
                if (asked > 0) {
                    REQUIRE(asked >= window.chunk_limit());
                    REQUIRE(asked <= static_cast<std::uint64_t>(max));
                }
            }
        }
    }

    TEST_CASE("demand: a consumer that takes another's place asks for what is missing to max") {
        CHECK(DemandWindow(10, 5).first_ask(4) == 6);
        CHECK(DemandWindow(10, 5).first_ask(10) == 0);
        DemandWindow narrower(10, 5);
        CHECK(narrower.first_ask(30) == 0);
        CHECK(narrower.handled(24) == 0);
        CHECK(narrower.handled(1) == 5);
    }

    TEST_CASE("demand: impossible limits are refused with their value") {
        CHECK(refusal(0, 0).find("not 0") != std::string::npos);
        CHECK(refusal(-3, 0).find("-3") != std::string::npos);
        CHECK(refusal(10, 10).find("not 10") != std::string::npos);
        CHECK(refusal(10, -1).find("-1") != std::string::npos);
        CHECK(refusal(10, 9).empty());
    }
}
