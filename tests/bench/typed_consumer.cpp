// Reads every event in place, all of it: none is missing, none comes twice or out of order, and no
// word of any is another than was pushed. It puts out the count when BENCH_EVENTS have come.

#include <cstdlib>
#include <numeric>
#include <string>

#include "drainpipe/consumer.hpp"
#include "typed_event.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    const std::uint64_t count = std::stoull(std::getenv("BENCH_EVENTS"));
    std::uint64_t next = 0;
    return consume_batches(argc, argv, [=, &next](const Batch& batch) -> Outcome {
        for (const Event& event : batch) {
            const auto& typed = event.as<bench::TypedEvent>();
            const std::uint64_t sum =
                std::accumulate(typed.others.begin(), typed.others.end(), std::uint64_t{0});
            if (typed.number != next || sum != 7 * bench::kOther) {
                return dead("event " + std::to_string(typed.number) + " came where " +
                            std::to_string(next) + " was due");
            }
            ++next;
        }
        return next == count ? done(std::to_string(next)) : done();
    });
}
