#include "label_rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace drainpipe;

namespace {

constexpr double kLeft = 50;
constexpr double kRight = 950;

struct Extent {
    double begin;
    double end;
};

Extent extent_of(const LabelRows::Label& label) {
    return label.is_left_of_line ? Extent{label.x - label.width, label.x}
                                 : Extent{label.x, label.x + label.width};
}

bool overlap(const LabelRows::Label& one, const LabelRows::Label& other) {
    return one.row == other.row && extent_of(one).begin < extent_of(other).end &&
           extent_of(other).begin < extent_of(one).end;
}

// Whether the line of one goes down through the other.
bool crosses(const LabelRows::Label& one, const LabelRows::Label& other) {
    return other.row < one.row && extent_of(other).begin < one.x && one.x < extent_of(other).end;
}

}  // namespace

TEST_SUITE("label_rows") {
    TEST_CASE("labels with room between them share a row") {
        LabelRows rows(kLeft, kRight);
        rows.add(100, 80);
        rows.add(300, 80);
        rows.place();
        CHECK(rows.count() == 1);
    }

    TEST_CASE("one that would not fit stands left of its line") {
        LabelRows rows(kLeft, kRight);
        rows.add(940, 80);
        rows.place();
        CHECK(rows.labels()[0].is_left_of_line);
    }

    TEST_CASE("no label covers another one, and no line crosses one") {
        std::mt19937 random(7);
        for (int round = 0; round < 2000; ++round) {
            std::vector<double> places(1 + random() % 9);
            // Most of a stop's steps are in no time at all.
            const double width = round % 2 == 0 ? kRight - kLeft : 30;
            const double from = round % 4 == 1 ? kRight - width : kLeft;
            for (double& place : places) {
                place = from + width * static_cast<double>(random() % 1000) / 1000;
            }
            std::ranges::sort(places);
            LabelRows rows(kLeft, kRight);
            for (const double place : places) {
                rows.add(place, 40 + static_cast<double>(random() % 120));
            }
            rows.place();
            for (const LabelRows::Label& one : rows.labels()) {
                for (const LabelRows::Label& other : rows.labels()) {
                    if (&one != &other) {
                        REQUIRE_FALSE(overlap(one, other));
                        REQUIRE_FALSE(crosses(one, other));
                    }
                }
            }
        }
    }
}
