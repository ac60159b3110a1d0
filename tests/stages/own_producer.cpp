// A producer of a user's own, as tests want one: the numbers from 1 to OWN_EVENTS (none: without
// end), each as text or, with OWN_TYPED, as a struct; so many at once as OWN_BATCH says. It goes on
// behind the events that an earlier process of it got in.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "drainpipe/producer.hpp"
#include "reading.hpp"

namespace {

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::stoull(text);
}

template <typename Make>
void push_numbers(drainpipe::Intake& intake, Make make) {
    const std::uint64_t last = number_of("OWN_EVENTS", std::numeric_limits<std::uint64_t>::max());
    const std::uint64_t batch = number_of("OWN_BATCH", 1);
    std::vector<decltype(make(1))> events;
    for (std::uint64_t next = intake.last_id() + 1; next <= last && !intake.is_closing();) {
        events.clear();
        for (std::uint64_t count = std::min(batch, last - next + 1); count > 0; --count) {
            events.push_back(make(next++));
        }
        if (batch == 1 ? !intake.push(events.front()) : intake.push_many(events) < events.size()) {
            return;
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    return drainpipe::produce(argc, argv, [](drainpipe::Intake& intake) {
        if (std::getenv("OWN_THROWS") != nullptr) {
            throw std::runtime_error("as it was told");
        }
        if (std::getenv("OWN_TYPED") != nullptr) {
            push_numbers(intake, reading_of);
        } else {
            push_numbers(intake, [](std::uint64_t number) { return std::to_string(number); });
        }
    });
}
