// A producer of typed events: pushes TELEMETRY_READINGS readings (4 million unless it is set) in
// batches of a thousand. Killed, alone or with everybody, and started again it goes on where it
// was, for last_id() says how many are in. Stopped and drained it begins anew, as there is nothing
// left.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "drainpipe/producer.hpp"
#include "reading.hpp"

int main(int argc, char** argv) {
    const char* const variable = std::getenv("TELEMETRY_READINGS");
    const std::uint64_t readings = variable == nullptr ? 4000000 : std::stoull(variable);

    return drainpipe::produce(argc, argv, [readings](drainpipe::Intake& intake) {
        std::vector<Reading> batch;
        for (std::uint64_t next = intake.last_id(); next < readings && !intake.is_closing();) {
            batch.clear();
            while (batch.size() < 1000 && next < readings) {
                batch.push_back(reading_of(next++));
            }
            if (intake.push_many(batch) < batch.size()) {
                return;  // the intake has closed
            }
        }
    });
}
