#include "metrics_text.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace drainpipe;

TEST_SUITE("metrics_text") {
    TEST_CASE("metrics text: a family has its meaning, its type and its samples") {
        MetricsText metrics({"name", "x"});
        metrics.gauge("a", "How many.", 3);
        metrics.family("b_total", MetricsText::Type::counter, "What was done.");
        metrics.sample({{"how", "well"}}, std::uint64_t{5});
        metrics.sample({{"how", "badly"}, {"why", "so"}}, 0.5);
        CHECK(metrics.text() ==
              "# HELP a How many.\n"
              "# TYPE a gauge\n"
              "a{name=\"x\"} 3\n"
              "# HELP b_total What was done.\n"
              "# TYPE b_total counter\n"
              "b_total{name=\"x\",how=\"well\"} 5\n"
              "b_total{name=\"x\",how=\"badly\",why=\"so\"} 0.5\n");
    }

    TEST_CASE("metrics text: what would end a line or a label is escaped") {
        MetricsText metrics({"name", "a\"b\\c\nd"});
        metrics.gauge("a", "A \"b\" \\ c\nd", 1);
        CHECK(metrics.text() ==
              "# HELP a A \"b\" \\\\ c\\nd\n"
              "# TYPE a gauge\n"
              "a{name=\"a\\\"b\\\\c\\nd\"} 1\n");
    }

    TEST_CASE("metrics text: numbers are exact and in the format's words") {
        CHECK(MetricsText::Value(std::numeric_limits<std::uint64_t>::max()).text() ==
              "18446744073709551615");
        CHECK(MetricsText::Value(-1).text() == "-1");
        CHECK(MetricsText::Value(0.1).text() == "0.1");
        CHECK(MetricsText::Value(1.0).text() == "1");
        CHECK(MetricsText::Value(1e-6).text() == "0.000001");
        CHECK(MetricsText::Value(-300.25).text() == "-300.25");
        CHECK(MetricsText::Value(1e-12).text() == "1e-12");
        CHECK(MetricsText::Value(1e300).text() == "1e+300");
        CHECK(MetricsText::Value(INFINITY).text() == "+Inf");
        CHECK(MetricsText::Value(-INFINITY).text() == "-Inf");
        CHECK(MetricsText::Value(std::nan("")).text() == "NaN");
    }

    TEST_CASE("metrics text: the buckets of a histogram add up") {
        MetricsText metrics({"name", "x"});
        metrics.histogram("h_seconds", "How long.", {{{0.001, 2}, {1.0, 0}}, 3, 12.5});
        CHECK(metrics.text() ==
              "# HELP h_seconds How long.\n"
              "# TYPE h_seconds histogram\n"
              "h_seconds_bucket{name=\"x\",le=\"0.001\"} 2\n"
              "h_seconds_bucket{name=\"x\",le=\"1\"} 2\n"
              "h_seconds_bucket{name=\"x\",le=\"+Inf\"} 5\n"
              "h_seconds_sum{name=\"x\"} 12.5\n"
              "h_seconds_count{name=\"x\"} 5\n");
    }
}
