#include "pipeline_rows.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "drain.hpp"
#include "line_writers.hpp"
#include "numbered_lines.hpp"
#include "pipeline.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {
namespace {

double million_per_second(std::uint64_t events, double seconds) {
    return static_cast<double>(events) / seconds / 1e6;
}

struct StreamFigures {
    Figure rate;
    Figure enqueue;  // processor time per event
    Figure launcher;
    Figure producer;
    Figure consumer;
    Figure start;
    Figure stop;
};

void run_stream(const std::string& programs, std::uint64_t events, StreamFigures& figures) {
    Pipeline pipeline(programs);
    figures.start.add(pipeline.start({}));
    const std::string lines = pipeline.directory().file("lines");
    write_numbers(lines, events);
    const auto per_event = [&](double seconds) {
        return 1e9 * seconds / static_cast<double>(events);
    };
    const double launcher_before = processor_seconds_of(pipeline.launcher());
    const double producer_before = processor_seconds_of(pipeline.producer());
    const double consumer_before = processor_seconds_of(pipeline.consumer());
    const Stopwatch watch;
    const double enqueue = pipeline.enqueue_file(lines);
    pipeline.wait_for_processed(events);
    figures.rate.add(million_per_second(events, watch.seconds()));
    figures.enqueue.add(per_event(enqueue));
    figures.launcher.add(per_event(processor_seconds_of(pipeline.launcher()) - launcher_before));
    figures.producer.add(per_event(processor_seconds_of(pipeline.producer()) - producer_before));
    figures.consumer.add(per_event(processor_seconds_of(pipeline.consumer()) - consumer_before));
    const Stopwatch stop;
    pipeline.request_stop();
    pipeline.wait();
    figures.stop.add(stop.milliseconds());
    check_numbers(pipeline.output(), events);
    check_numbers(pipeline.log(), events, "ed id=");
}

void print_against_peers(Table& table, const PipelineEffort& effort, const std::string& programs) {
    Figure drain;
    Figure spdlog;
    Figure redis;
    StreamFigures stream;
    for (int run = 0; run < effort.runs; ++run) {
        {
            Pipeline pipeline(programs);
            pipeline.start(room_for(effort.events));
            drain.add(million_per_second(effort.events, time_drain(pipeline, effort.events)));
        }
        const Directory directory;
        spdlog.add(million_per_second(
            effort.events, write_with_spdlog(directory.file("lines.log"), effort.events)));
        run_stream(programs, effort.events, stream);
        const double seconds = move_with_redis(directory.path(), effort.events);
        if (seconds > 0) {
            redis.add(million_per_second(effort.events, seconds));
        }
    }
    table.section("The whole pipeline, log and standard output to files",
                  std::to_string(effort.events) + " events; the peers do less, see their names");
    table.compare("drain, log and output", "M/s", drain, "spdlog file sink, log", spdlog,
                  {false, 3.0, 4.0});
    table.compare("enqueue - to the last line logged", "M/s", stream.rate, "spdlog file sink, log",
                  spdlog, {false, 1.5, 2.5});
    table.compare("enqueue - to the last line logged", "M/s", stream.rate, "Redis list, no log",
                  redis, {false, 3.0, 10});
    table.state("  processor: enqueue", "ns/event", stream.enqueue);
    table.state("  processor: launcher", "ns/event", stream.launcher);
    table.state("  processor: producer", "ns/event", stream.producer);
    table.state("  processor: consumer", "ns/event", stream.consumer);
    table.state("start to ready", "ms", stream.start);
    table.state("idle stop", "ms", stream.stop);
}

struct DepthFigures {
    Figure drain;
    Figure recovery;
    Figure producer;
    Figure consumer;
};

void run_depth(const std::string& programs, std::uint64_t depth, DepthFigures& figures) {
    {
        Pipeline drained(programs);
        drained.start(room_for(depth));
        time_drain(drained, depth);
        figures.drain.add(1e9 * drained.seconds_per_event());
    }
    Pipeline killed(programs);
    killed.start(room_for(depth));
    killed.hold_consumer();
    killed.enqueue(depth);
    figures.producer.add(resident_mib_of(killed.producer()));
    figures.consumer.add(own_mib_of(killed.consumer()));
    killed.kill_all();
    figures.recovery.add(killed.start({"--event-delay", "1m"}));
    if (!killed.has_logged("recovered events=" + std::to_string(depth))) {
        throw std::runtime_error("a killed pipeline has not recovered all of its events");
    }
}

// The dearest by the cheapest, of the runs' medians (0.5) or of the least of them (0), to which
// nothing else that the machine does has added.
Figure spread_of(const std::vector<DepthFigures>& figures, Figure DepthFigures::*figure,
                 double quantile) {
    const auto cost_of = [&](const DepthFigures& depth) { return (depth.*figure).at(quantile); };
    const auto [least, most] = std::ranges::minmax_element(figures, {}, cost_of);
    Figure spread;
    spread.add(cost_of(*most) / cost_of(*least));
    return spread;
}

void print_depths(Table& table, const PipelineEffort& effort, const std::string& programs) {
    const std::vector<std::uint64_t>& depths = effort.depths;
    std::vector<DepthFigures> figures(depths.size());
    for (int run = 0; run < effort.runs; ++run) {
        for (std::size_t index = 0; index < depths.size(); ++index) {
            run_depth(programs, depths[index], figures[index]);
        }
    }
    table.section("Cost against depth", "events buffered when the stop or the kill came");
    for (std::size_t index = 0; index < depths.size(); ++index) {
        const std::string what = "depth " + std::to_string(depths[index]) + ": ";
        table.state(what + "drain", "ns/event", figures[index].drain);
        table.state(what + "start to ready, recovering", "ms", figures[index].recovery);
        table.state(what + "producer with the segment", "MiB", figures[index].producer);
        table.state(what + "consumer's own memory", "MiB", figures[index].consumer);
    }
    table.state("dearest depth by cheapest: drain", "",
                spread_of(figures, &DepthFigures::drain, 0.5), "flat: at most 1.10");
    table.state("  by the least of each", "", spread_of(figures, &DepthFigures::drain, 0),
                "flat: at most 1.10");
    table.state("dearest depth by cheapest: recovering", "",
                spread_of(figures, &DepthFigures::recovery, 0.5), "each slot is looked at");
}

}  // namespace

void print_pipeline(Table& table, const PipelineEffort& effort, const std::string& programs) {
    print_against_peers(table, effort, programs);
    print_depths(table, effort, programs);
}

}  // namespace drainpipe::bench
