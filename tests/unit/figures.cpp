#include "figures.hpp"

#include <doctest/doctest.h>

using namespace drainpipe;

TEST_SUITE("figures") {
    TEST_CASE("figures: counts have a comma between thousands") {
        CHECK(grouped(0) == "0");
        CHECK(grouped(999) == "999");
        CHECK(grouped(1000) == "1,000");
        CHECK(grouped(1234567) == "1,234,567");
    }

    TEST_CASE("figures: rates have three digits and a unit") {
        CHECK(rate_text(0) == "0/s");
        CHECK(rate_text(0.5) == "30/min");
        CHECK(rate_text(0.99) == "59.4/min");
        CHECK(rate_text(0.01) == "36/h");
        CHECK(rate_text(999) == "999/s");
        CHECK(rate_text(999.6) == "1k/s");
        CHECK(rate_text(4800) == "4.8k/s");
        CHECK(rate_text(12'345'678) == "12.3M/s");
    }

    TEST_CASE("figures: times have two units at most") {
        CHECK(time_text(-1) == "0.0 s");
        CHECK(time_text(0.42) == "0.4 s");
        CHECK(time_text(9.96) == "10 s");
        CHECK(time_text(59.6) == "1 min 0 s");
        CHECK(time_text(200) == "3 min 20 s");
        CHECK(time_text(18'720) == "5 h 12 min");
        CHECK(time_text(3 * 86400 + 4 * 3600) == "3 d 4 h");
    }

    TEST_CASE("figures: sizes are in powers of 1024") {
        CHECK(bytes_text(512) == "512 B");
        CHECK(bytes_text(31'000) == "30.3 KiB");
        CHECK(bytes_text(16 << 20) == "16 MiB");
    }

    TEST_CASE("figures: a bar is as long whatever its share") {
        CHECK(bar_text(0, 4) == "[    ]");
        CHECK(bar_text(0.5, 4) == "[##  ]");
        CHECK(bar_text(7, 4) == "[####]");
        CHECK(bar_text(-7, 4) == "[    ]");
    }
}
