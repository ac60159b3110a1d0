// A consumer of typed events: reads each in place, without a copy, and keeps minimum, maximum and
// mean of each sensor, which it prints when the pipeline has drained:
//
//     launcher --producer ./sensors --consumer ./statistics --log-events off
//
// The statistics are in this process's memory. When it is killed they are lost, while the events in
// them that were committed do not come again: what the next process prints covers the events from
// first_id= on, without a gap. Those that were not committed do come again, with an attempt above
// 1; the process that counted them first is gone, so that each is still counted once. Where
// statistics are to outlive a kill they belong into a file, with the id of the last event in them:
// see the example `wordcount`.

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "drainpipe/consumer.hpp"
#include "reading.hpp"

namespace {

struct Statistics {
    std::int64_t samples = 0;
    std::int64_t sum = 0;
    std::int32_t minimum = std::numeric_limits<std::int32_t>::max();
    std::int32_t maximum = std::numeric_limits<std::int32_t>::min();

    void add(const Reading& reading) {
        for (const std::int32_t sample : reading.samples) {
            sum += sample;
            minimum = std::min(minimum, sample);
            maximum = std::max(maximum, sample);
        }
        samples += static_cast<std::int64_t>(reading.samples.size());
    }
};

}  // namespace

int main(int argc, char** argv) {
    std::array<Statistics, kSensors> sensors;
    std::uint64_t readings = 0;
    std::uint64_t first_id = 0;

    const int code = drainpipe::consume(argc, argv, [&](const drainpipe::Event& event) {
        const Reading& reading = event.as<Reading>();
        if (reading.sensor >= kSensors) {
            return drainpipe::dead("no such sensor");
        }
        if (readings++ == 0) {
            first_id = event.id();
        }
        sensors[reading.sensor].add(reading);
        return drainpipe::done();
    });

    if (readings > 0) {
        std::printf("readings=%" PRIu64 " first_id=%" PRIu64 "\n", readings, first_id);
    }
    for (std::uint32_t sensor = 0; sensor < kSensors; ++sensor) {
        const Statistics& each = sensors[sensor];
        if (each.samples > 0) {
            std::printf("sensor=%" PRIu32 " samples=%" PRId64 " sum=%" PRId64 " min=%" PRId32
                        " max=%" PRId32 " mean=%.1f\n",
                        sensor, each.samples, each.sum, each.minimum, each.maximum,
                        static_cast<double>(each.sum) / static_cast<double>(each.samples));
        }
    }
    return code;
}
