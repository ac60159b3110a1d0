// What a pipeline costs that has nothing to do.

#include <doctest/doctest.h>

#include <map>

#include "harness/pipeline.hpp"
#include "harness/process_table.hpp"

using namespace harness;
using namespace std::chrono_literals;

namespace {

std::chrono::milliseconds cpu_time_of(const std::vector<pid_t>& pids) {
    std::chrono::milliseconds total{0};
    for (const auto pid : pids) total += cpu_time(pid);
    return total;
}

// Ten idle seconds may cost 100 ms of CPU; this looks at three of them.
void check_idles(const Pipeline& pipeline) {
    const auto pids = processes_marked(pipeline.name());
    REQUIRE(pids.size() == 3);
    const auto before = cpu_time_of(pids);
    let_pass(3s);
    CHECK((cpu_time_of(pids) - before).count() <= 30);
    CHECK(processes_marked(pipeline.name()) == pids);
}

TEST_SUITE("idle") {
    TEST_CASE("idle: a pipeline that has not had an event costs next to nothing") {
        Pipeline pipeline;
        pipeline.start();
        check_idles(pipeline);
        CHECK(pipeline.stop() == 0);
    }

    TEST_CASE("idle: a pipeline that has done its events costs next to nothing") {
        Pipeline pipeline;
        pipeline.start();
        CHECK(pipeline.enqueue_all(numbers(1, 10'000)) == 10'000);
        CHECK(pipeline.await_record("processed id=10000"));
        check_idles(pipeline);
        CHECK(pipeline.stop() == 0);
    }
}

}  // namespace
