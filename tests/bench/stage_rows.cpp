#include "stage_rows.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "pipeline.hpp"
#include "spsc_transport.hpp"
#include "two_processes.hpp"

namespace drainpipe::bench {
namespace {

constexpr Load kTyped{.bytes = 64, .batch = 1000, .room = 262'144};

// From `ready` until the producer's function has returned: all events but what the ring holds are
// done by then.
double run_typed(const std::string& programs, std::uint64_t events, bool is_one_by_one) {
    Pipeline pipeline(programs);
    ::setenv("BENCH_EVENTS", std::to_string(events).c_str(), 1);
    is_one_by_one ? ::setenv("BENCH_ONE_BY_ONE", "1", 1) : ::unsetenv("BENCH_ONE_BY_ONE");
    pipeline.start({"--producer", programs + "/typed_producer", "--consumer",
                    programs + "/typed_consumer", "--log-events", "off", "--max-demand", "100000"});
    pipeline.wait();
    std::string said;
    std::getline(std::ifstream(pipeline.output()), said);
    if (said != std::to_string(events)) {
        throw std::runtime_error("not all typed events came in order: see " + pipeline.log());
    }
    return static_cast<double>(events) /
           pipeline.seconds_between(" ready name=", " end of source=");
}

}  // namespace

void print_stages(Table& table, const StageEffort& effort, const std::string& programs) {
    Figure ours;
    Figure one_by_one;
    Figure spsc;
    for (int run = 0; run < effort.runs; ++run) {
        ours.add(run_typed(programs, effort.events, false) / 1e6);
        one_by_one.add(run_typed(programs, effort.events, true) / 1e6);
        SpscTransport<kTyped.bytes, kTyped.room> peer(kTyped.batch);
        spsc.add(measure_passage(peer, kTyped, effort.seconds).events_per_second / 1e6);
    }
    table.section("Stages of one's own, through the public library",
                  std::to_string(effort.events) + " events, in launcher's pipelines");
    table.compare("own consumer, 64 B typed events in place", "M/s", ours, "spsc_queue bulk 1000",
                  spsc, {false, 0.7, 1.0});
    table.state("the same, a call of the handler for each", "M/s", one_by_one);
}

}  // namespace drainpipe::bench
