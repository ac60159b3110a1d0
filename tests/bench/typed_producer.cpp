// Pushes as many events as BENCH_EVENTS says, a thousand at a time.

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "drainpipe/producer.hpp"
#include "typed_event.hpp"

int main(int argc, char** argv) {
    using namespace drainpipe;
    return produce(argc, argv, [](Intake& intake) {
        const std::uint64_t count = std::stoull(std::getenv("BENCH_EVENTS"));
        std::vector<bench::TypedEvent> batch(1000);
        for (bench::TypedEvent& event : batch) {
            event.others.fill(bench::kOther);
        }
        for (std::uint64_t number = 0; number < count;) {
            const std::size_t size = std::min<std::uint64_t>(batch.size(), count - number);
            for (std::size_t index = 0; index < size; ++index) {
                batch[index].number = number++;
            }
            if (intake.push_many(std::span(batch).first(size)) < size) {
                return;
            }
        }
    });
}
