#include "drain.hpp"

#include "numbered_lines.hpp"
#include "stopwatch.hpp"

namespace drainpipe::bench {

std::vector<std::string> room_for(std::uint64_t events) {
    // A number has at most eight digits; the drain may take what it takes.
    return {"--capacity",    std::to_string(events + 1),
            "--buffer-size", std::to_string((events + 1) * 8),
            "--grace",       "5m"};
}

double time_drain(Pipeline& pipeline, std::uint64_t events) {
    pipeline.hold_consumer();
    pipeline.enqueue(events);
    const Stopwatch watch;
    pipeline.request_stop();
    pipeline.wait();
    const double seconds = watch.seconds();
    check_numbers(pipeline.output(), events);
    check_numbers(pipeline.log(), events, "ed id=");  // processed, emptied, drained
    return seconds;
}

}  // namespace drainpipe::bench
